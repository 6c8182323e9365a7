import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { note, print } from "../../src/commands/context.js";
import { printable, printableLines } from "../../src/commands/printable.js";

const hostile = "\x1b]0;title\x07\x9b31m\x7f\u202eevil\u2066\u200f\u2028\r\n\0";
const shown = String.raw`\u001b]0;title\u0007\u009b31m\u007f\u202eevil\u2066\u200f\u2028\u000d\u000a\u0000`;

test("what a terminal would obey is shown as an escape, and every other text stays as it is", () => {
  expect(printable(hostile)).toBe(shown);
  for (const text of ["Ångström & Søn", "مرحبا", "👩‍💻", "a	b".replace("\t", " "), "\\u001b"]) {
    expect(printable(text)).toBe(text);
  }
  expect(printableLines(`one\n${hostile}`)).toBe(`one\n${shown.replace(String.raw`\u000a`, "\n")}`);
});

test("whatever a command says passes through it, and JSON keeps its value", () => {
  const written = (stream: NodeJS.WriteStream, work: () => void): string => {
    const write = vi.spyOn(stream, "write").mockReturnValue(true);
    work();
    const text = write.mock.calls.map(([chunk]) => chunk).join("");
    write.mockRestore();
    return text;
  };
  expect(written(process.stdout, () => print(false, null, ["name", hostile]))).toBe(`name\n${shown}\n`);
  expect(written(process.stderr, () => note(hostile))).toBe(`${shown}\n`);
  const json = written(process.stdout, () => print(true, { name: hostile }, []));
  expect(json).not.toMatch(/[\u007f-\u009f\u2028\u202e]/);
  expect(JSON.parse(json)).toEqual({ name: hostile });
});

test("no command writes past it", () => {
  const writers = readdirSync("src/commands").filter((name) =>
    /\.write\(|console\./.test(readFileSync(path.join("src/commands", name), "utf8")),
  );
  // What all others write with; lines of data, which it makes printable for a terminal itself; our own words on a
  // line of progress.
  expect(writers).toEqual(["context.ts", "export.ts", "progress.ts"]);
});
