import { once } from "node:events";
import net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { withoutTimeout } from "../../src/database/query.js";
import { addSalon, openTestApp } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { databaseUrl } from "../support/database-url.js";
import { paymentEvent } from "../support/events.js";
import { tablesOf } from "../support/tables.js";

const QUERY_TIMEOUT_MS = 500;

const direct = await openTestDatabase();
const salon = await addSalon(direct);

/** Stands between a client and Postgres. Frozen, it lets no byte through, in either direction, and says nothing. */
async function openProxy() {
  const { hostname, port } = new URL(databaseUrl());
  const sockets = new Set<net.Socket>();
  let frozen = false;
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const upstream = net.connect(Number(port || 5432), hostname);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      if (frozen) socket.pause();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
  };
}

async function openBehind(proxy: { readonly port: number }) {
  const { rows } = await direct.pool.query("select current_database() as name");
  const url = new URL(databaseUrl(rows[0].name));
  url.host = `127.0.0.1:${proxy.port}`;
  const database = await openDatabase({
    databaseUrl: url.href,
    dataDir: "",
    role: "server",
    queryTimeoutMs: QUERY_TIMEOUT_MS,
  });
  onTestFinished(() => database.close());
  return database;
}

test("a database that stops answering holds up a webhook for the query timeout, and the organization for no longer", async () => {
  const proxy = await openProxy();
  const database = await openBehind(proxy);
  const app = await openTestApp(database);
  // A busy machine may let a statement take longer than the timeout. Square delivers again, and so does this.
  const isStored = (event: ReturnType<typeof paymentEvent>) =>
    expect.poll(async () => (await app.deliver(event)).json.status).toMatch(/^(processed|duplicate)$/);
  await isStored(paymentEvent({ id: "before" }));

  proxy.freeze();
  const event = paymentEvent({ id: "meanwhile" });
  const answer = await app.deliver(event);
  expect([answer.status, answer.json.code]).toEqual([503, "database_unavailable"]);
  // What tells other servers of changes has a query under way as well.
  await expect
    .poll(() => database.pool.totalCount, { message: "the connections are given up", timeout: 30_000 })
    .toBe(0);

  proxy.thaw();
  await isStored(event);
  expect((await tablesOf(direct, salon)).payments).toHaveLength(2);
});

test("what may take long, as a migration may, outlasts the query timeout", async () => {
  const database = await openBehind(await openProxy());
  const seconds = (2 * QUERY_TIMEOUT_MS) / 1000;
  const { rows } = await database.pool.query(withoutTimeout("select pg_sleep($1)", [seconds]));
  expect(rows).toHaveLength(1);
});

test("a session whose client vanished in a transaction is ended after a minute, and with it its locks", async () => {
  const { rows } = await direct.pool.query("show idle_in_transaction_session_timeout");
  expect(rows).toEqual([{ idle_in_transaction_session_timeout: "1min" }]);
});
