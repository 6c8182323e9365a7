import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { simulateCommand } from "../../src/commands/simulate.js";
import { DEMO_NOTIFICATION_URL, DEMO_SIGNATURE_KEY } from "../../src/simulator/demo-constants.js";
import { verifySignature } from "../../src/square/signature.js";
import { nodeParameters } from "../support/program.js";

let folder: string;
let printed: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "simulate-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    printed += chunk;
    return true;
  });
  vi.stubEnv("SQUARE_WEBHOOK_SIGNATURE_KEY", "");
  vi.stubEnv("SQUARE_WEBHOOK_NOTIFICATION_URL", "");
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function run(...args: string[]): Promise<void> {
  const command = simulateCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  await command.parseAsync(args, { from: "user" });
}

const span = ["--customers", "20", "--from", "2025-01-01", "--to", "2025-04-01"];

async function linesOf(file: string) {
  const text = await readFile(file, "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, string>);
}

test("writes one signed event a line and prints what it wrote as one JSON object", async () => {
  const out = join(folder, "history.ndjson");
  await run(
    "--out",
    out,
    "--seed",
    "3",
    ...span,
    "--duplicates",
    "0.2",
    "--drops",
    "0.1",
    "--shuffle",
    "--json",
  );
  const lines = await linesOf(out);
  const summary = JSON.parse(printed);
  expect(summary).toMatchObject({ out, delivered: lines.length, notification_url: DEMO_NOTIFICATION_URL });
  expect(summary.events - summary.dropped + summary.doubled).toBe(lines.length);
  expect(new Set(lines.map(({ event_id }) => event_id)).size).toBe(lines.length - summary.doubled);
  for (const { event_id, type, signature, body = "" } of lines) {
    expect(JSON.parse(body)).toMatchObject({ event_id, type, merchant_id: summary.merchant_id });
    const rawBody = Buffer.from(body);
    const [keys, notificationUrl] = [[DEMO_SIGNATURE_KEY], DEMO_NOTIFICATION_URL];
    expect(verifySignature({ header: signature, keys, notificationUrl, rawBody })).toBe(true);
  }
});

test("the same seed writes the same file", async () => {
  const [first, second] = [join(folder, "1"), join(folder, "2")];
  await run("--out", first, ...span);
  await run("--out", second, ...span);
  expect(await readFile(second, "utf8")).toBe(await readFile(first, "utf8"));
  expect(printed).toContain("booking.created");
});

test("signs with the environment's key, and its URL unless another is given; no key is taken from the command line", async () => {
  vi.stubEnv("SQUARE_WEBHOOK_SIGNATURE_KEY", "new-key,old-key");
  vi.stubEnv("SQUARE_WEBHOOK_NOTIFICATION_URL", "https://example.com/env");
  const out = join(folder, "history.ndjson");
  const signedWith = async (key: string, notificationUrl: string) => {
    const [{ body = "", signature = "" } = {}] = await linesOf(out);
    return verifySignature({ header: signature, keys: [key], notificationUrl, rawBody: Buffer.from(body) });
  };
  await run("--out", out, ...span);
  expect(await signedWith("new-key", "https://example.com/env")).toBe(true);
  await run("--out", out, ...span, "--url", "https://example.com/flag");
  expect(await signedWith("new-key", "https://example.com/flag")).toBe(true);
});

test("serves the salon as Square's API until a signal, and prints the environment to use it with", async () => {
  const child = spawn(
    process.execPath,
    [...nodeParameters("src/main.ts"), "simulate", "--serve-api", "0", "--json", ...span],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = await once(createInterface(child.stdout), "line");
  const { environment, truth } = JSON.parse(line);
  const headers = { authorization: `Bearer ${environment.SQUARE_ACCESS_TOKEN}` };
  const answer = await fetch(`${environment.SQUARE_BASE_URL}/v2/merchants/me`, { headers });
  expect(await answer.json()).toMatchObject({ merchant: { id: environment.SQUARE_MERCHANT_ID } });
  expect(truth.customers).toBeGreaterThan(0);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("serves beside writing, and says which environment a server needs", async () => {
  const out = join(folder, "history.ndjson");
  const running = run("--out", out, "--serve-api", "0", ...span);
  await expect.poll(() => printed).toContain("TOKEN_ENCRYPTION_KEY");
  expect(printed).toMatch(/^SQUARE_BASE_URL=http:\/\/127\.0\.0\.1:\d+$/m);
  expect(printed).toMatch(/^SQUARE_MERCHANT_ID=ML\w+$/m);
  expect(printed).toMatch(/^SQUARE_ACCESS_TOKEN=\S+$/m);
  expect((await linesOf(out)).length).toBeGreaterThan(100);
  // The command's own listener alone: the test runner has others.
  process.listeners("SIGTERM").at(-1)?.("SIGTERM");
  await running;
});

test("a port that is taken is said so, and so is a salon that nothing is to be done with", async () => {
  const taken = createServer();
  onTestFinished(() => void taken.close());
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  await expect(run("--serve-api", String(port), "--customers", "1", ...span.slice(2))).rejects.toThrow(
    `Cannot listen on port ${port}`,
  );
  await expect(run("--customers", "1")).rejects.toThrow("--out FILE, --serve-api PORT, or both");
});

test.each([
  [["--to", "2026-02-30"], "'--to <date>' argument '2026-02-30' is invalid"],
  [["--key", "k"], "unknown option '--key'"],
  [["--from", "2026-01-01T25:00"], "'--from <date>'"],
  [["--from", "2027-01-01", "--to", "2026-01-01"], "end must lie after its start"],
  [["--drops", "2"], "rate from 0 to 1"],
  [["--seed", "abc"], "whole number"],
  [["--locations", "9"], "1 to 5 locations"],
  [["--out", "/no/such/folder/file"], "Cannot write /no/such/folder/file"],
])("%j is refused with a clear message", async (args, message) => {
  await expect(run("--out", join(folder, "x"), "--customers", "2", ...args)).rejects.toThrow(message);
});
