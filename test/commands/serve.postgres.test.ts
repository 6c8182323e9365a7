import { execFile } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startServer } from "../../src/commands/serve.js";
import { loadConfig } from "../../src/config.js";
import { openForCommands, regulars } from "../support/command-line.js";

const { database, env } = await openForCommands();
const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const configured: Record<string, string> = {
  ...env,
  PORT: "0",
  LOG_LEVEL: "silent",
  SQUARE_WEBHOOK_SIGNATURE_KEY: "k",
  SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example/webhooks/square",
  SQUARE_MERCHANT_ID: "MSERVE",
  SQUARE_ACCESS_TOKEN: "EAAA-first",
  TOKEN_ENCRYPTION_KEY: key(7),
};

async function startAndStop(env: NodeJS.ProcessEnv): Promise<void> {
  const server = await startServer(loadConfig(env, { require: "serve" }));
  await server.stop();
}

const stored = () => database.prisma.organization.findFirstOrThrow();
const revoke = () => database.prisma.organization.updateMany({ data: { status: "revoked" } });

test("a restart with the same token keeps a revocation; another token, or another key, is a new authorization", async () => {
  await startAndStop(configured);
  const first = await stored();
  expect(first).toMatchObject({ status: "active", authorizedAt: expect.any(Date) });

  await revoke();
  await startAndStop(configured);
  expect(await stored()).toEqual({ ...first, status: "revoked" });

  await startAndStop({ ...configured, SQUARE_ACCESS_TOKEN: "EAAA-second" });
  const second = await stored();
  expect(second.status).toBe("active");
  expect(second.authorizedAt?.getTime()).toBeGreaterThan(first.authorizedAt?.getTime() ?? 0);

  await revoke();
  await startAndStop({ ...configured, SQUARE_ACCESS_TOKEN: "EAAA-second", TOKEN_ENCRYPTION_KEY: key(8) });
  expect((await stored()).status).toBe("active");
});

test("a server whose database holds a token says that it needs the key, and does not start", async () => {
  const { SQUARE_ACCESS_TOKEN: _, TOKEN_ENCRYPTION_KEY: _key, ...without } = configured;
  await startAndStop(configured);
  await expect(startAndStop(without)).rejects.toMatchObject({ code: "no_encryption_key" });
});

test("a port that is taken, a database that is not there: one line, and exit code 1", async () => {
  const taken = net.createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as net.AddressInfo;
  const missing = new URL(configured.DATABASE_URL ?? "");
  missing.pathname = "/no_such_database";
  const [busy, nowhere, gone] = await Promise.all([
    regulars({ ...configured, PORT: String(port) }, "serve"),
    regulars({ ...configured, HOST: "no-such-host.invalid" }, "serve"),
    regulars({ ...configured, DATABASE_URL: missing.href }, "serve"),
  ]);
  taken.close();
  expect(busy).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Cannot listen on .*EADDRINUSE.*\n$/),
  });
  expect(nowhere).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Cannot listen on HOST no-such.*\n$/),
  });
  expect(gone).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^The database refuses.*no_such.*\n$/),
  });
});

/** In a process of its own, since the module cache of this one may have seen OpenTelemetry. */
const script = `
import { createRequire } from "node:module";
import { startServer, stopOnSignal } from "./src/commands/serve.ts";
import { loadConfig } from "./src/config.ts";
const server = await startServer(loadConfig(process.env, { require: "serve" }));
const cached = Object.keys(createRequire(import.meta.url).cache);
// prom-client loads the API, which does nothing by itself.
console.log(cached.some((file) => /@opentelemetry.(?!api.)/.test(file)));
stopOnSignal(server);
process.kill(process.pid, "SIGTERM");
`;

test.each([
  { name: "without a collector no module of OpenTelemetry's SDK is loaded", env: {}, loaded: "false" },
  {
    name: "a disabled one loads none either",
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_SDK_DISABLED: "true" },
    loaded: "false",
  },
  {
    name: "with one that is away the server starts, and stops with 0",
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" },
    loaded: "true",
  },
])("$name", async ({ env: variables, loaded }) => {
  const { SQUARE_MERCHANT_ID: _, SQUARE_ACCESS_TOKEN: _token, ...environment } = configured;
  // It rejects unless the process exits with 0.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", script],
    { env: { PATH: process.env.PATH, ...environment, ...variables } },
  );
  expect(stdout.trim()).toBe(loaded);
});
