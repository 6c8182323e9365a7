import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readEnvFile } from "../../src/config/env-file.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "regulars-env-"));
  vi.stubEnv("REGULARS_A", undefined);
  vi.stubEnv("REGULARS_B", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function read(content: string | Buffer): [string | undefined, string | undefined] {
  const file = path.join(folder, ".env");
  writeFileSync(file, content);
  readEnvFile(file);
  return [process.env.REGULARS_A, process.env.REGULARS_B];
}

const BIG_ENDIAN = Buffer.from("\uFEFFREGULARS_A=1\r\nREGULARS_B=é", "utf16le").swap16();

describe("an environment file as people write it is read", () => {
  test.each<[string, string | Buffer, string | undefined, string | undefined]>([
    ["a byte order mark", "\uFEFFREGULARS_A=1\nREGULARS_B=2", "1", "2"],
    ["Windows line ends", "REGULARS_A=1\r\nREGULARS_B=2\r\n", "1", "2"],
    [
      "UTF-16, as PowerShell writes it",
      Buffer.from("\uFEFFREGULARS_A=1\r\nREGULARS_B=é", "utf16le"),
      "1",
      "é",
    ],
    ["UTF-16 with the bytes swapped", BIG_ENDIAN, "1", "é"],
    ["export", "export REGULARS_A=1\n  export  REGULARS_B = '2'", "1", "2"],
    ["spaces around the sign", "REGULARS_A = y z \nREGULARS_B=\t2", "y z", "2"],
    ["quotes", "REGULARS_A=\"a # 'b'\"\nREGULARS_B='c \"d\"' # e", "a # 'b'", 'c "d"'],
    ["comments", "# REGULARS_A=0\n\nREGULARS_A=1 # one\nREGULARS_B=#2", "1", ""],
    ["signs within a value", "REGULARS_A=a==\nREGULARS_B=it's$x", "a==", "it's$x"],
    ["a quoted #", 'REGULARS_A="a#b"', "a#b", undefined],
    ["a variable twice", "REGULARS_A=1\nREGULARS_A=2", "2", undefined],
    ["nothing", "", undefined, undefined],
  ])("%s", (_, content, a, b) => {
    expect(read(content)).toEqual([a, b]);
  });

  test("what is set already stays", () => {
    vi.stubEnv("REGULARS_A", "shell");
    expect(read("REGULARS_A=file\nREGULARS_B=file")).toEqual(["shell", "file"]);
  });

  test("none is needed", () => {
    expect(() => readEnvFile(path.join(folder, "absent"))).not.toThrow();
  });
});

describe("what cannot be read is refused by file and line, without its content", () => {
  test.each<[string, string | Buffer, RegExp]>([
    ["no assignment", "REGULARS_A=1\nsesame", /\.env line 2 is not an assignment: write NAME=value$/],
    ["YAML", "REGULARS_A: sesame", /line 1 is not an assignment/],
    [
      "a command of another shell",
      '$env:REGULARS_A="sesame"\nset REGULARS_B=1',
      /line 1 is.*\n.*line 2 is no/,
    ],
    ["an open quote", 'REGULARS_A="sesame\nREGULARS_B=2', /line 1 has text after the closing quote, or no/],
    ["text after quotes", "REGULARS_A='sesame'b", /line 1 has text after the closing quote/],
    ["a # that may be a comment or not", "REGULARS_A=sesame#b", /line 1 has a # without a space before it/],
    ["another encoding", Buffer.from("REGULARS_A=sesam\xe9", "latin1"), /is not in UTF-8: save it in UTF-8$/],
    ["UTF-16 without a mark", Buffer.from("REGULARS_A=sesame", "utf16le"), /is not in UTF-8/],
  ])("%s", (_, content, message) => {
    expect(() => read(content)).toThrow(message);
    expect(() => read(content)).not.toThrow(/sesam/);
    expect(process.env.REGULARS_A).toBeUndefined();
  });

  test("a folder in its place, as Docker makes one", () => {
    mkdirSync(path.join(folder, ".env"));
    expect(() => readEnvFile(path.join(folder, ".env"))).toThrow(/\.env cannot be read \(EISDIR\)$/);
  });
});
