import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { query } from "../../src/database/query.js";
import { inTransaction } from "../../src/database/transaction.js";
import { migratedDataDir } from "../support/database.js";

// The clients of the embedded database share one session of it. These tests hold that nobody notices.

const dataDir = await migratedDataDir();
const database = await openDatabase({ dataDir, role: "server", poolSize: 12 });
afterAll(() => database.close());
await database.pool.query("create table tally (id int primary key, count int)");
await database.pool.query("insert into tally values (1, 0)");

test("queries too large for one piece of the socket are not mixed up with other clients' queries", async () => {
  const large = "x".repeat(400_000);
  const answers = await Promise.all(
    Array.from({ length: 150 }, async (_, index) => {
      const text = index % 2 === 0 ? "select length($1) + $2::int as n" : "select length($1) - $2::int as n";
      const { rows } = await query(database.pool, { name: `mix_${index % 2}`, text }, [large, index]);
      return rows[0]?.n;
    }),
  );
  expect(answers).toEqual(answers.map((_, index) => large.length + (index % 2 === 0 ? index : -index)));
});

test("a failing query beside others fails alone", async () => {
  const answers = await Promise.allSettled(
    Array.from({ length: 60 }, (_, index) => database.pool.query("select 1 / $1::int as n", [index % 3])),
  );
  expect(answers.filter(({ status }) => status === "rejected")).toHaveLength(20);
});

test("transactions of many clients exclude each other: no increment is lost", async () => {
  await Promise.all(
    Array.from({ length: 100 }, () =>
      inTransaction(database.pool, async (tx) => {
        const { rows } = await tx.query("select count from tally where id = 1 for update");
        await tx.query("update tally set count = $1 where id = 1", [rows[0].count + 1]);
      }),
    ),
  );
  const { rows } = await database.pool.query("select count from tally where id = 1");
  expect(rows).toEqual([{ count: 100 }]);
});

test("a client that vanishes in a transaction leaves nothing behind and nobody waiting", async () => {
  const command = await openDatabase({ dataDir, role: "command" });
  const tx = await command.pool.connect();
  tx.on("error", () => {});
  await tx.query("begin");
  await tx.query("update tally set count = -1");
  const waiting = database.pool.query("select count from tally");
  tx.release(new Error("gone"));
  expect((await waiting).rows[0].count).not.toBe(-1);
  await command.close();
});

test("a client that vanishes in the middle of a query does not take the others with it", async () => {
  const socket = await connectedSocket("user", "postgres");
  socket.write(message("Q", "begin\0"));
  await once(socket, "data");
  // Half an extended query, and a wrong one: a Parse of no sensible text, and never the Sync.
  socket.write(message("P", "\0select from from\0\0\0"));
  await once(socket, "data");
  socket.destroy();
  expect((await database.pool.query("select $1::int as n", [7])).rows).toEqual([{ n: 7 }]);
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
    expect((await database.pool.query("select count(*)::int as n from tally")).rows).toEqual([{ n: 1 }]);
  }
});

test("times are read in UTC and plans are generic, whatever a client has set and reset", async () => {
  await database.pool.query("set time zone 'Asia/Tokyo'");
  await database.pool.query("reset all");
  const { rows } = await database.pool.query(
    "select current_setting('timezone') as zone, current_setting('plan_cache_mode') as mode, current_setting('fsync') as fsync",
  );
  expect(rows).toEqual([{ zone: "UTC", mode: "force_generic_plan", fsync: "on" }]);
});

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
