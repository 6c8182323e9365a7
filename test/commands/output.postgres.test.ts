/** Standard output as it really fails: full, closed, or read by nobody. The server and the commands are processes of their own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { signBody } from "../../src/square/signature.js";
import { openForCommands } from "../support/command-line.js";
import { bodyOf, squareEvent } from "../support/events.js";
import { freePort } from "../support/free-port.js";
import { nodeParameters } from "../support/program.js";

const { env } = await openForCommands();
const KEY = "k";
const URL_SIGNED = "https://regulars.example/webhooks/square";
/** Their lines are more than a pipe holds. */
const EVENTS = 600;

type Output = number | "pipe";

function start(output: Output, ...parameters: string[]) {
  return startWith({}, output, ...parameters);
}

function startWith(more: Record<string, string>, output: Output, ...parameters: string[]) {
  return startLimited("", more, output, ...parameters);
}

/** @param limit a command of the shell that starts the program */
function startLimited(limit: string, more: Record<string, string>, output: Output, ...parameters: string[]) {
  const { PATH = "" } = process.env;
  const program = [process.execPath, ...nodeParameters("src/main.ts"), ...parameters];
  const child = spawn("sh", ["-c", `${limit}\nexec "$@"`, "sh", ...program], {
    stdio: ["ignore", output, "pipe"],
    env: { PATH, DATABASE_URL: "", DATA_DIR: "", ...env, ...more },
  });
  if (typeof output === "number") closeSync(output);
  let stderr = "";
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const exited = once(child, "exit").then(([code]) => ({ code, stderr }));
  return { child, exited };
}

/** A server on this output. What it is asked must be answered, whatever becomes of its log. */
async function serve(output: Output, limit = "") {
  const port = await freePort();
  const more = {
    PORT: String(port),
    RECONCILE_SCHEDULE: "off",
    SQUARE_WEBHOOK_SIGNATURE_KEY: KEY,
    SQUARE_WEBHOOK_NOTIFICATION_URL: URL_SIGNED,
  };
  const { child, exited } = startLimited(limit, more, output, "serve");
  const ask = (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${port}${path}`, { ...init, signal: AbortSignal.timeout(20_000) });
  const status = (path: string, init?: RequestInit) => ask(path, init).then((answer) => answer.status);
  await expect.poll(() => status("/healthz").catch(() => 0), { timeout: 90_000, interval: 200 }).toBe(200);
  const deliver = async (count: number) => {
    const statuses = new Set<number>();
    for (let sent = 0; sent < count; sent += 50) {
      const answers = Array.from({ length: Math.min(50, count - sent) }, () => {
        const body = bodyOf(squareEvent("no.such.type", {}));
        const signature = signBody(KEY, URL_SIGNED, body);
        const headers = {
          "content-type": "application/json",
          "x-square-hmacsha256-signature": signature,
        };
        return status("/webhooks/square", { method: "POST", headers, body });
      });
      for (const answer of await Promise.all(answers)) statuses.add(answer);
    }
    return [...statuses];
  };
  const stop = async () => {
    child.kill("SIGTERM");
    return (await exited).code;
  };
  return { child, status, deliver, stop };
}

const outputs: Record<string, () => Output> = {
  "/dev/full": () => openSync("/dev/full", "w"),
  "a closed pipe": () => "pipe",
  "a pipe that nobody reads": () => "pipe",
};

test.each(Object.keys(outputs))(
  "a server that logs to %s takes webhooks, answers, and stops with 0",
  async (name) => {
    const { child, status, deliver, stop } = await serve(outputs[name]?.() ?? "pipe");
    if (name === "a closed pipe") child.stdout?.destroy();
    expect(await deliver(EVENTS)).toEqual([200]);
    expect(await status("/webhooks/square", { method: "POST", body: "{}" })).toBe(415);
    expect(await status("/healthz")).toBe(200);
    expect(await stop()).toBe(0);
  },
  180_000,
);

test("a server whose log file is full goes on, and says how many lines were lost when there is room again", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "log");
  const { status, deliver, stop } = await serve(openSync(file, "a"), "ulimit -S -f 64");
  expect(await deliver(EVENTS)).toEqual([200]);
  expect(await status("/healthz")).toBe(200);
  expect(statSync(file).size).toBeLessThanOrEqual(64 * 1024);
  truncateSync(file);
  expect(await deliver(1)).toEqual([200]);
  expect(await stop()).toBe(0);
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  const lost = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "log lines were lost");
  expect(lost).toEqual([expect.objectContaining({ lost: expect.any(Number) })]);
  expect(lost[0].lost).toBeGreaterThan(100);
});

test("a command whose reader has gone ends quietly, and one whose output is full says so with 1", async () => {
  const closed = start("pipe", "events", "list");
  closed.child.stdout?.destroy();
  const full = start(openSync("/dev/full", "w"), "events", "list");
  expect(await closed.exited).toEqual({ code: 0, stderr: "" });
  expect(await full.exited).toEqual({ code: 1, stderr: "Standard output cannot be written: ENOSPC.\n" });
});
