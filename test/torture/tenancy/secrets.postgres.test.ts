/** No log, answer or error message holds a secret, and other users of the machine do not see one. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, inject, onTestFinished, test } from "vitest";
import { openTestApp } from "../../support/app.js";
import { regulars } from "../../support/command-line.js";
import { openTestDatabase } from "../../support/database.js";
import { bodyOf, paymentEvent } from "../../support/events.js";
import { asAdmin, Databases } from "../runner/databases.js";
import { HttpClient } from "../runner/http.js";
import { ServerProcess, signatureOf } from "../runner/server-process.js";

const database = await openTestDatabase();

const secrets = {
  ADMIN_API_KEY: "sentinel-admin-key",
  CRON_SECRET: "sentinel-cron-secret",
  SQUARE_ACCESS_TOKEN: "sentinel-access-token",
  TOKEN_ENCRYPTION_KEY: Buffer.from("sentinel-encryption-key-32-bytes").toString("base64"),
};
const PASSWORD = "sentinel-password";
const sentinels = [...Object.values(secrets), PASSWORD, "signature-key-of-the-attacks", "sentinel"];

function expectNone(text: string, where: string): void {
  for (const sentinel of sentinels) expect(text.includes(sentinel), `${sentinel} in ${where}`).toBe(false);
}

/** Refuses every token and echoes the request. */
async function openRefusingSquare(): Promise<string> {
  const square = createServer(({ headers }, answer) => {
    const errors = [
      { category: "AUTHENTICATION_ERROR", code: "UNAUTHORIZED", detail: headers.authorization },
    ];
    answer.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
  });
  square.listen(0, "127.0.0.1");
  await once(square, "listening");
  onTestFinished(() => void square.close());
  return `http://127.0.0.1:${(square.address() as AddressInfo).port}`;
}

async function startSentinel() {
  const databases = new Databases(`${inject("databasePrefix")}_template`);
  const attacked = await databases.open();
  const url = new URL(attacked.url);
  url.password = PASSWORD;
  const server = await ServerProcess.start(url.href, {
    env: {
      ...secrets,
      SQUARE_MERCHANT_ID: "M-SENTINEL",
      SQUARE_BASE_URL: await openRefusingSquare(),
      LOG_LEVEL: "trace",
    },
  });
  onTestFinished(async () => {
    await server.kill();
    await attacked.remove();
  });
  return { server, attacked };
}

test("no answer, log, process list or database statistic of a running server holds a secret", async () => {
  const { server, attacked } = await startSentinel();
  const { routes } = await openTestApp(database);
  const client = new HttpClient();
  const body = bodyOf(paymentEvent({}, { merchant_id: "M-SENTINEL" }));
  const signed = {
    "content-type": "application/json",
    "x-square-hmacsha256-signature": signatureOf(body),
  };
  const answers = [
    await client.send(server.url, { method: "POST", path: "/webhooks/square", headers: signed, body }),
    await client.send(server.url, { method: "POST", path: "/webhooks/square", headers: signed, body: "{}" }),
  ];
  for (const authorization of [
    "",
    "Bearer wrong",
    `Bearer ${secrets.ADMIN_API_KEY}`,
    `Bearer ${secrets.CRON_SECRET}`,
  ]) {
    for (const { method, url } of routes) {
      const path = url.replaceAll(/:\w+|\*/g, "00000000-0000-4000-8000-000000000000");
      answers.push(await client.send(server.url, { method, path, headers: { authorization } }));
    }
  }
  // A failure of the database is logged with its code.
  const during = await asAdmin(
    `select application_name, query from pg_stat_activity where datname = '${attacked.name}'`,
  );
  await asAdmin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${attacked.name}'`);
  answers.push(await client.send(server.url, { path: "/readyz" }));
  await asAdmin(`drop database ${attacked.name} with (force)`);
  answers.push(await client.send(server.url, { path: "/readyz" }));
  answers.push(
    await client.send(server.url, { method: "POST", path: "/webhooks/square", headers: signed, body }),
  );
  client.close();

  const statuses = answers.map(({ status }) => status);
  for (const status of [200, 401, 503]) expect(statuses).toContain(status);
  expectNone(JSON.stringify(answers), "an answer");
  expectNone(JSON.stringify(during.rows), "pg_stat_activity");
  expectNone(readFileSync(`/proc/${server.pid}/cmdline`, "utf8"), "the process list");
  await server.stop();
  expect(server.output.length).toBeGreaterThan(3);
  expectNone(server.output.join("\n"), "the log");
});

test("a server that cannot start says why without its secrets", async () => {
  const env = {
    ...secrets,
    SQUARE_MERCHANT_ID: "M-SENTINEL",
    SQUARE_WEBHOOK_SIGNATURE_KEY: "sentinel-signature-key",
    SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example/webhooks/square",
    PORT: "0",
  };
  const { hostname, port } = new URL(inject("databasePrefix") && (process.env.TEST_DATABASE_URL ?? ""));
  const where = `${hostname}:${port || 5432}`;
  const broken: Record<string, string>[] = [
    { DATABASE_URL: `postgresql://postgres:${PASSWORD}@${where}/no_such_database` },
    { DATABASE_URL: `postgresql://postgres:${PASSWORD}@127.0.0.1:1/postgres` },
    { DATABASE_URL: `postgresql://postgres:${PASSWORD}#%zz@${where}/postgres` },
    { ADMIN_API_KEY: "sentinel key with spaces", TOKEN_ENCRYPTION_KEY: "sentinel" },
  ];
  const ended = await Promise.all(broken.map((change) => regulars({ ...env, ...change }, "serve")));
  for (const [index, { code, stdout, stderr }] of ended.entries()) {
    expect(code, JSON.stringify(broken[index])).toBe(1);
    expect(stderr).not.toBe("");
    expectNone(stdout + stderr, `what ${JSON.stringify(broken[index])} leads to`);
  }
});
