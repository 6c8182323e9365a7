import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadConfig } from "../../src/config.js";
import { ConfigurationError } from "../../src/errors.js";

const folder = mkdtempSync(path.join(tmpdir(), "regulars-secrets-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileWith(content: string | Buffer): string {
  files += 1;
  const file = path.join(folder, `secret-${files}`);
  writeFileSync(file, content);
  return file;
}

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env, { require: "command" });
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

const KEY = Buffer.alloc(32, 7).toString("base64");
const secrets = {
  DATABASE_URL: "postgresql://regulars@db.example/regulars",
  SQUARE_WEBHOOK_SIGNATURE_KEY: "k1,k2",
  SQUARE_ACCESS_TOKEN: "EAAA-token",
  CRON_SECRET: "c".repeat(24),
  ADMIN_API_KEY: "a".repeat(24),
  TOKEN_ENCRYPTION_KEY: KEY,
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20t",
};
const rest = {
  SQUARE_WEBHOOK_NOTIFICATION_URL: "https://salon.example/webhooks/square",
  SQUARE_MERCHANT_ID: "MSALON",
  HOST: "0.0.0.0",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.example:4318",
};

test("every secret may come from a file, and the newline at its end is cut", () => {
  const fromFiles = Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [`${name}_FILE`, fileWith(`${value}\n`)]),
  );
  expect(loadConfig({ ...rest, ...fromFiles }, { require: "serve" })).toEqual(
    loadConfig({ ...rest, ...secrets }, { require: "serve" }),
  );
});

test.each(Object.keys(secrets))("%s and its file together are refused, whatever the file holds", (name) => {
  const env = { ...rest, ...secrets, [`${name}_FILE`]: fileWith("x") };
  expect(problemsOf(env)).toEqual([`${name}_FILE is set beside ${name}: set one of the two`]);
});

test("a file that cannot be used is one problem, which names the variable and quotes no content", () => {
  const unreadable = fileWith("unreadable");
  chmodSync(unreadable, 0o000);
  const problem = (file: string) => problemsOf({ ADMIN_API_KEY_FILE: file });
  expect(problem(path.join(folder, "missing"))).toEqual([
    "ADMIN_API_KEY_FILE names a file that cannot be read (ENOENT)",
  ]);
  expect(problem(folder)).toEqual(["ADMIN_API_KEY_FILE names a file that cannot be read (EISDIR)"]);
  expect(problem(fileWith(" \n"))).toEqual(["ADMIN_API_KEY_FILE names an empty file"]);
  expect(problem(fileWith(Buffer.from([0xff, 0xfe, 0x41])))).toEqual([
    "ADMIN_API_KEY_FILE names a file that is not in UTF-8",
  ]);
  expect(problem(fileWith("a".repeat(70_000)))).toEqual([
    "ADMIN_API_KEY_FILE names a file that is too long for a secret",
  ]);
  expect(problem(fileWith("two\nlines"))).toEqual([
    expect.stringMatching(/^ADMIN_API_KEY holds a line break/),
  ]);
  // Root reads everything.
  if (process.getuid?.() !== 0) expect(problem(unreadable)).toHaveLength(1);
});

test("a required secret whose file cannot be read is one problem, not two", () => {
  const env = { ...rest, SQUARE_WEBHOOK_SIGNATURE_KEY_FILE: path.join(folder, "missing") };
  const load = () => loadConfig(env, { require: "serve" });
  expect(load).toThrow(/^The configuration has one problem:\n.*_KEY_FILE names a file that cannot be read/);
});

test("a key from a file must be as long as any other, and no placeholder", () => {
  const problem = (content: string) => problemsOf({ HOST: "0.0.0.0", ADMIN_API_KEY_FILE: fileWith(content) });
  expect(problem("undefined")).toEqual([expect.stringContaining("is a placeholder")]);
  const short = { ...rest, ...secrets, ADMIN_API_KEY: "", ADMIN_API_KEY_FILE: fileWith("short") };
  expect(() => loadConfig(short, { require: "serve" })).toThrow(
    "ADMIN_API_KEY is shorter than 24 characters",
  );
});
