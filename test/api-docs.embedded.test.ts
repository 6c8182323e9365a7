/** docs/api.md is run: every line of shell, in one bash, against a demo of its own. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { AnyJson } from "./support/any-json.js";
import { migratedDataDir } from "./support/database.js";
import { nodeParameters } from "./support/program.js";
import { skipUnlessRequired } from "./support/skip.js";

const run = promisify(execFile);
const page = await readFile("docs/api.md", "utf8");

interface Example {
  readonly shell: string;
  /** The block of the answer: its language and its text, shortened by "…". */
  readonly language: string | undefined;
  readonly answer: string;
}

const examples: readonly Example[] = Array.from(
  page.matchAll(/```sh\n(.*?)```(?:\n\n```(json|csv|text)\n(.*?)```)?/gs),
  ([, shell = "", language, answer = ""]) => ({ shell, language, answer }),
);

test("every request of docs/api.md is answered as the page says, and every route has its request there", {
  timeout: 300_000,
}, async (context) => {
  for (const tool of ["bash", "curl"]) {
    const isThere = await run(tool, ["--version"]).then(
      () => true,
      () => false,
    );
    skipUnlessRequired(context, isThere ? undefined : `${tool} is missing: docs/api.md was not run`);
  }
  const folder = await mkdtemp(path.join(tmpdir(), "regulars-api-docs-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const server = await startDemo();
  const answers = await runAll(folder, server);
  expect(examples.length).toBeGreaterThan(30);
  for (const [at, { shell, language, answer }] of examples.entries()) {
    const text = answers[at] ?? "";
    if (language === "json")
      expectShape(JSON.parse(text), JSON.parse(withoutEllipses(answer)), answer, shell);
    if (language !== "json" && language !== undefined) {
      // The first line, as far as it is printed on the page, and without the mark that spreadsheets need.
      const [beginning = ""] = answer.split(/,?…|\n/);
      expect(text.replace("\uFEFF", "").slice(0, beginning.length), shell).toBe(beginning);
    }
  }
  const description = await fetch(`${server}/openapi.json`).then((answered) => answered.json() as AnyJson);
  expect(routesWithoutExample(description)).toEqual([]);
});

/** Starts a small demo of its own. @returns its address, when its history and its webhooks are stored */
async function startDemo(): Promise<string> {
  const parameters = ["demo", "--customers", "100", "--events", "5", "--pace", "1"];
  const demo = spawn(process.execPath, [...nodeParameters("src/main.ts"), ...parameters], {
    env: { PATH: process.env.PATH, DATA_DIR: await migratedDataDir(), PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    if (demo.exitCode === null && demo.kill("SIGKILL")) await once(demo, "exit");
  });
  for await (const line of createInterface(demo.stdout)) {
    const [, address] = /^The salon goes on at (\S+)\/#key=demo/.exec(line) ?? [];
    if (address === undefined) continue;
    demo.stdout.resume();
    return address;
  }
  throw new Error(`The demo ended with ${demo.exitCode}.`);
}

/** Runs the examples in one shell, which ends at the first that fails. @returns what each printed */
async function runAll(folder: string, server: string): Promise<string[]> {
  const answers = path.join(folder, "answers");
  await mkdir(answers);
  const fileOf = (at: number) => path.join(answers, String(at));
  const steps = examples.map(({ shell }, at) => `current=${at}\n{\n${shell}\n} >'${fileOf(at)}'`);
  const script = path.join(folder, "api.sh");
  const text = ["set -euo pipefail", "trap 'echo \"example $current\" >&2' ERR", ...steps].join("\n");
  await writeFile(script, text.replace("http://127.0.0.1:3000", server));
  await run("bash", [script]).catch(async ({ stderr }: { stderr: string }) => {
    const [, at = "0"] = /example (\d+)/.exec(stderr) ?? [];
    const printed = await readFile(fileOf(Number(at)), "utf8");
    throw new Error(`${examples[Number(at)]?.shell}\nfailed: ${stderr}\n${printed}`);
  });
  return Promise.all(examples.map((_, at) => readFile(fileOf(at), "utf8")));
}

/** The JSON of the page without what is left out: values that are "…", and "…" after the last of several. */
function withoutEllipses(json: string): string {
  return json.replaceAll(/,\s*…/g, "").replaceAll(/(?<=[[{])…/g, "");
}

/** The answer has the keys of the page, of lists in their first element; on the top level it has no others. */
function expectShape(answer: AnyJson, shape: AnyJson, shown: string, shell: string): void {
  if (!shown.trim().endsWith(",…}"))
    expect(Object.keys(answer).sort(), shell).toEqual(Object.keys(shape).sort());
  expectKeys(answer, shape, shell);
}

function expectKeys(answer: AnyJson, shape: AnyJson, where: string): void {
  if (typeof shape !== "object" || shape === null || answer === null) return;
  if (Array.isArray(shape)) {
    expect(Array.isArray(answer), where).toBe(true);
    if (shape.length > 0 && answer.length > 0) expectKeys(answer[0], shape[0], `${where}, first of the list`);
    return;
  }
  for (const [key, value] of Object.entries(shape)) {
    // What changed, and the counts of statuses, differ from day to day.
    if (/changes$|by_status$/.test(where)) return;
    expect(answer, where).toHaveProperty([key]);
    expectKeys(answer[key], value, `${where}, ${key}`);
  }
}

/** Routes that other pages are about. */
const elsewhere = [
  "/webhooks/square",
  "/api/cron/refresh-customer-analytics",
  "/api/session",
  "/connect/square",
  "/connect/square/callback",
];

const reportAsCsv = /(daily|retention|team|bookings|movements\/customers|retention\/customers)\.csv$/;

function routesWithoutExample({ paths }: AnyJson): string[] {
  const requests = examples
    .flatMap(({ shell }) => shell.replaceAll("\\\n", " ").split("\n"))
    .map((line) => {
      const [, given] = /-X (\w+)/.exec(line) ?? [];
      const method = given ?? (/ -d /.test(line) ? "POST" : "GET");
      const address = line
        .replace("$SALON", "/api/organizations/ID")
        .replace("$REGULARS", "")
        .replace(/\$\{SALON##[^}]*\}/, "ID");
      return `${method} ${address}`;
    });
  return Object.entries(paths as AnyJson)
    .filter(([route]) => !elsewhere.includes(route))
    .flatMap(([route, methods]) =>
      Object.keys(methods as object).map((method) => [method.toUpperCase(), route] as const),
    )
    .filter(([method, route]) => {
      // The page tells once that a report is had as CSV under its own address.
      const told = reportAsCsv.test(route) ? route.replace(/\.csv$/, "") : route;
      const pattern = new RegExp(
        `^${method} .*"${told.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, '[^/?" ]+')}["?]`,
      );
      return !requests.some((request) => pattern.test(request));
    })
    .map((route) => route.join(" "));
}
