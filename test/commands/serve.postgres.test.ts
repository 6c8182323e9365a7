import { expect, test } from "vitest";
import { startServer } from "../../src/commands/serve.js";
import { loadConfig } from "../../src/config.js";
import { openForCommands } from "../support/command-line.js";

const { database, env } = await openForCommands();
const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const configured = {
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
