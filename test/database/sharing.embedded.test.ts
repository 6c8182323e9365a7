import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import pg from "pg";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { openEmbedded } from "../../src/database/embedded/owner.js";
import { query } from "../../src/database/query.js";
import { inTransaction } from "../../src/database/transaction.js";
import { migratedDataDir } from "../support/database.js";

// The clients of the embedded database share one session. No client notices the others.

const dataDir = await migratedDataDir();
const embedded = await openEmbedded(dataDir, "server", {
  idleMs: 300,
  transactionMs: 3_000,
  statementMs: 4_000,
});
const pool = new pg.Pool({ ...embedded.connection, max: 4, pipeline: true });
pool.on("error", () => {});
pool.on("connect", (client) => client.on("error", () => {}));
afterAll(async () => {
  await pool.end();
  await embedded.close();
});
await pool.query("create table tally (id int primary key, count int)");
await pool.query("insert into tally values (1, 0)");

test("queries too large for one piece of the socket are not mixed up with other clients' queries", async () => {
  const large = "x".repeat(400_000);
  const answers = await Promise.all(
    Array.from({ length: 150 }, async (_, index) => {
      const text = index % 2 === 0 ? "select length($1) + $2::int as n" : "select length($1) - $2::int as n";
      const { rows } = await query(pool, { name: `mix_${index % 2}`, text }, [large, index]);
      return rows[0]?.n;
    }),
  );
  expect(answers).toEqual(answers.map((_, index) => large.length + (index % 2 === 0 ? index : -index)));
});

test("a failing query beside others fails alone", async () => {
  const answers = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) => pool.query("select 1 / $1::int as n", [index % 3])),
  );
  expect(answers.filter(({ status }) => status === "rejected")).toHaveLength(20);
});

test("transactions of many clients exclude each other: no increment is lost", async () => {
  await Promise.all(
    Array.from({ length: 100 }, () =>
      inTransaction(pool, async (tx) => {
        const { rows } = await tx.query("select count from tally where id = 1 for update");
        await tx.query("update tally set count = $1 where id = 1", [rows[0].count + 1]);
      }),
    ),
  );
  const { rows } = await pool.query("select count from tally where id = 1");
  expect(rows).toEqual([{ count: 100 }]);
});

test("a client that vanishes in a transaction leaves nothing behind and nobody waiting", async () => {
  const tx = await guest();
  await tx.query("begin");
  await tx.query("update tally set count = -1");
  const waiting = pool.query("select count from tally");
  // As a kill -9 ends it: the socket closes, and nothing is said.
  (tx as unknown as { connection: { stream: net.Socket } }).connection.stream.destroy();
  expect((await waiting).rows[0].count).not.toBe(-1);
});

test("a client that vanishes in the middle of a query does not take the others with it", async () => {
  const socket = await connectedSocket("user", "postgres");
  socket.write(message("Q", "begin\0"));
  await once(socket, "data");
  // Half an extended query, and a wrong one: a Parse of no sensible text, and never the Sync.
  socket.write(message("P", "\0select from from\0\0\0"));
  await once(socket, "data");
  socket.destroy();
  expect((await pool.query("select $1::int as n", [7])).rows).toEqual([{ n: 7 }]);
});

test("whatever a client says when it connects, it is the one user of the one database, and does no harm", async () => {
  const options = "-c no_such_setting=1";
  const stranger = new pg.Client({ host: dataDir, user: "nobody", database: "elsewhere", options });
  await stranger.connect();
  expect((await stranger.query("select current_user as user")).rows).toEqual([{ user: "postgres" }]);
  await stranger.end();

  // Postgres refuses this one: a name without its value.
  const socket = await connectedSocket("user", "postgres", "options");
  socket.destroy();
  for (let count = 0; count < 10; count += 1) {
    expect((await pool.query("select count(*)::int as n from tally")).rows).toEqual([{ n: 1 }]);
  }
});

const SESSION = `select current_user, session_user, current_schemas(false) as schemas,
  (select array_agg(format('%s=%s', name, setting) order by name) from pg_settings
   where name in ('DateStyle', 'TimeZone', 'client_encoding', 'default_transaction_read_only', 'plan_cache_mode', 'fsync',
     'default_transaction_isolation', 'standard_conforming_strings', 'max_stack_depth', 'search_path')) as settings,
  (select count(*) from pg_locks where locktype = 'advisory') as locks,
  (select count(*) from pg_cursors where is_holdable) as cursors,
  (select count(*) from pg_prepared_statements where from_sql) as prepared,
  (select count(*) from pg_listening_channels()) as channels,
  (select count(*) from pg_class where relpersistence = 't') as temporary`;

test("nothing that a guest does to the session reaches the server, while the guest is there or later", async () => {
  const count = { name: "count", text: "select count from tally where id = $1" };
  const server = await pool.connect();
  onTestFinished(() => server.release());
  const { rows: before } = await server.query(SESSION);
  const { rows: counted } = await query(server, count, [1]);
  expect(before[0]?.settings).toEqual(
    expect.arrayContaining(["TimeZone=UTC", "plan_cache_mode=force_generic_plan", "fsync=on"]),
  );
  for (const act of [
    "discard all",
    "deallocate all",
    "reset all",
    "set search_path = nowhere",
    "set role pg_monitor",
    "set session authorization pg_monitor",
    "set default_transaction_read_only = on",
    "set session characteristics as transaction isolation level serializable, read only",
    "set datestyle = German",
    "set time zone 'Asia/Tokyo'",
    "set client_encoding = 'LATIN1'",
    "set standard_conforming_strings = off",
    "set max_stack_depth = '100kB'",
    "create temp table tally (nothing int)",
    "select pg_advisory_lock(1)",
    "prepare count as select 'not yours'",
    "listen gossip",
    "declare held cursor with hold for select 1",
  ]) {
    const visitor = await guest();
    await query(server, count, [1]);
    await visitor.query(act);
    expect((await query(server, count, [1])).rows, act).toEqual(counted);
    expect((await server.query(SESSION)).rows, act).toEqual(before);
    await visitor.end();
    expect((await server.query(SESSION)).rows, act).toEqual(before);
  }
  const visitor = await guest();
  await visitor.query("create sequence tickets; select nextval('tickets')");
  await expect(server.query("select lastval()")).rejects.toThrow("lastval is not yet defined");
  await visitor.query("drop sequence tickets");
  await visitor.end();
});

test("a guest's settings and prepared statements are its own, whatever the others do between two of its turns", async () => {
  const [one, other] = [await guest(), await guest()];
  await one.query("set time zone 'Asia/Tokyo'; set application_name = 'it''s one'");
  const same = "same";
  expect((await one.query({ name: same, text: "select 'one' as who" })).rows).toEqual([{ who: "one" }]);
  expect((await other.query({ name: same, text: "select 'other' as who" })).rows).toEqual([{ who: "other" }]);
  await other.query("discard all");
  expect((await one.query({ name: same, text: "select 'one' as who" })).rows).toEqual([{ who: "one" }]);
  const settings = "select current_setting('timezone') as zone, current_setting('application_name') as name";
  expect((await one.query(settings)).rows).toEqual([{ zone: "Asia/Tokyo", name: "it's one" }]);
  expect((await other.query(settings)).rows).toEqual([{ zone: "UTC", name: "" }]);
  await Promise.all([one.end(), other.end()]);
});

test("a guest that is silent in its transaction is sent away with a reason, and undone", async () => {
  const idler = await guest();
  const gone = new Promise<Error>((resolve) => idler.once("error", resolve));
  await idler.query("begin; update tally set count = -1");
  expect((await pool.query("select count from tally")).rows).toEqual([{ count: 100 }]);
  expect(await gone).toMatchObject({
    code: "25P03",
    message: expect.stringContaining("idle-in-transaction"),
  });
});

test("a guest whose transaction takes too long while others wait is sent away with a reason, and undone", async () => {
  const busy = new pg.Client({ host: dataDir, user: "postgres", pipeline: true });
  busy.on("error", () => {});
  await busy.connect();
  await busy.query("begin; update tally set count = -1");
  const queries = Array.from({ length: 300 }, () => busy.query("select pg_sleep(0.05)"));
  const waiting = pool.query("select count from tally");
  expect(await Promise.allSettled(queries)).toContainEqual({
    status: "rejected",
    reason: expect.objectContaining({
      code: "25P04",
      message: "terminating connection due to transaction timeout",
    }),
  });
  expect((await waiting).rows).toEqual([{ count: 100 }]);
});

test("fifty guests and the server are all served, each with its own answers", async () => {
  const guests = await Promise.all(Array.from({ length: 50 }, guest));
  const answers = await Promise.all(
    guests.map(async (visitor, index) => {
      await visitor.query(`set application_name = 'guest ${index}'`);
      const { rows } = await visitor.query(
        "select $1::int as n, current_setting('application_name') as name",
        [index],
      );
      await pool.query("update tally set count = count + 1 where id = 1");
      return rows[0];
    }),
  );
  expect(answers).toEqual(answers.map((_, n) => ({ n, name: `guest ${n}` })));
  expect((await pool.query("select count from tally")).rows).toEqual([{ count: 150 }]);
  await Promise.all(guests.map((visitor) => visitor.end()));
});

test("what is no protocol, or none that the engine bears, ends its own connection or statement and nothing else", async () => {
  const copying = await guest();
  await expect(copying.query("copy tally from stdin")).rejects.toMatchObject({ code: "57014" });
  await expect(copying.query({ text: "copy tally from stdin", values: [] })).rejects.toThrow();
  expect((await copying.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  await copying.end();

  for (const bytes of [
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.concat([startup("user", "postgres"), message("z", "no such type")]),
    Buffer.concat([startup("user", "postgres"), message("P", "no end")]),
    Buffer.concat([startup("user", "postgres"), Buffer.from("Q\x7f\xff\xff\xff select", "latin1")]),
    Buffer.concat([startup("user", "postgres"), Buffer.from("Q\0\0\0\0")]),
  ]) {
    const socket = net.connect(path.join(dataDir, ".s.PGSQL.5432"));
    const heard: Buffer[] = [];
    socket.on("data", (chunk) => heard.push(chunk));
    socket.write(bytes);
    await once(socket, "close");
    expect(Buffer.concat(heard).toString("latin1")).toContain("SFATAL");
  }
  const silent = net.connect(path.join(dataDir, ".s.PGSQL.5432"));
  await once(silent, "connect");
  expect((await pool.query("select count from tally")).rows).toEqual([{ count: 150 }]);
  silent.destroy();
});

test("a guest's statement that does not end is ended, and the server goes on with all its rows and settings", async () => {
  const { rows: before } = await pool.query(SESSION);
  const meddler = await guest();
  for (const lasting of [
    "alter role postgres set search_path = nowhere",
    "alter role all set time zone 'Asia/Tokyo'",
    "alter database postgres set default_transaction_read_only = on",
  ]) {
    await meddler.query(lasting);
  }
  await expect(meddler.query("alter system set fsync = off")).rejects.toThrow("ALTER SYSTEM is not allowed");
  await meddler.end();
  const endless = (await guest()).query("select pg_sleep(600)");
  await expect(endless).rejects.toThrow(/terminated/);
  await expect
    .poll(() => pool.query("select count from tally").then(({ rows }) => rows, String))
    .toEqual([{ count: 150 }]);
  expect((await pool.query(SESSION)).rows).toEqual(before);
});

async function guest(): Promise<pg.Client> {
  const client = new pg.Client({ host: dataDir, user: "postgres" });
  client.on("error", () => {});
  await client.connect();
  return client;
}

async function connectedSocket(...parameters: string[]): Promise<net.Socket> {
  const socket = net.connect(path.join(dataDir, ".s.PGSQL.5432"));
  socket.write(startup(...parameters));
  await once(socket, "data");
  return socket;
}

function startup(...parameters: string[]): Buffer {
  const body = Buffer.from(`${parameters.map((parameter) => `${parameter}\0`).join("")}\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(0x0003_0000, 4);
  return Buffer.concat([head, body]);
}

function message(type: string, body: string): Buffer {
  const head = Buffer.from(`${type}____`);
  head.writeInt32BE(Buffer.byteLength(body) + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}
