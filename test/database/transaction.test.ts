import type { PoolClient } from "pg";
import { beforeEach, expect, test } from "vitest";
import { isRetryable, isUnavailable } from "../../src/database/failures.js";
import { query } from "../../src/database/query.js";
import { inTransaction, RetryTransaction } from "../../src/database/transaction.js";
import { TransactionRolledBack } from "../../src/errors.js";
import { openTestDatabase } from "../support/database.js";

const { pool } = await openTestDatabase();
await pool.query("create table notes (note text unique)");
beforeEach(() => pool.query("delete from notes"));

async function notes(): Promise<string[]> {
  const { rows } = await pool.query("select note from notes order by note");
  return rows.map(({ note }) => note);
}

test("what the work returns is returned, and what it wrote stays", async () => {
  const result = await inTransaction(pool, async (tx) => {
    await tx.query("insert into notes values ('kept')");
    return 42;
  });
  expect(result).toBe(42);
  expect(await notes()).toEqual(["kept"]);
});

test("work that throws leaves nothing, and its own error comes out", async () => {
  const failure = new Error("no");
  const failing = inTransaction(pool, async (tx) => {
    await tx.query("insert into notes values ('lost')");
    throw failure;
  });
  await expect(failing).rejects.toBe(failure);
  expect(await notes()).toEqual([]);
});

test("work that swallows a statement's error is not taken for committed", async () => {
  const swallowing = inTransaction(pool, async (tx) => {
    await tx.query("insert into notes values ('lost')");
    await tx.query("select 1 / 0").catch(() => {});
  });
  await expect(swallowing).rejects.toThrow(TransactionRolledBack);
  expect(await notes()).toEqual([]);
  expect(pool.idleCount).toBe(pool.totalCount);
});

test("steps that travel with the commit are a part of the transaction: all of it stays, or nothing", async () => {
  const insert = (tx: PoolClient, note: string) => () => tx.query("insert into notes values ($1)", [note]);
  await inTransaction(pool, async (tx, deferToCommit) => {
    deferToCommit(insert(tx, "last"));
    await insert(tx, "first")();
  });
  expect(await notes()).toEqual(["first", "last"]);
  const failing = inTransaction(pool, async (tx, deferToCommit) => {
    await insert(tx, "lost")();
    deferToCommit(insert(tx, "last"));
  });
  await expect(failing).rejects.toThrow(/duplicate key/);
  expect(await notes()).toEqual(["first", "last"]);
  expect(pool.idleCount).toBe(pool.totalCount);
});

test("a step that lost a race on its way with the commit makes the whole work run again, once each", async () => {
  let attempts = 0;
  await inTransaction(pool, async (tx, deferToCommit) => {
    attempts += 1;
    const contended = "do $$ begin raise exception 'contended' using errcode = '40001'; end $$";
    deferToCommit(() => tx.query("insert into notes values ('step')"));
    deferToCommit(() => tx.query(attempts < 3 ? contended : "insert into notes values ('through')"));
  });
  expect(attempts).toBe(3);
  expect(await notes()).toEqual(["step", "through"]);
});

test("work that asks for a fresh start is run again in a new transaction", async () => {
  let attempts = 0;
  await inTransaction(pool, async (tx) => {
    attempts += 1;
    await tx.query("insert into notes values ($1)", [`attempt ${attempts}`]);
    if (attempts < 3) throw new RetryTransaction();
  });
  expect(await notes()).toEqual(["attempt 3"]);
});

test("work that never gets through gives up after a bounded number of attempts", async () => {
  let attempts = 0;
  const hopeless = inTransaction(pool, async () => {
    attempts += 1;
    throw new RetryTransaction();
  });
  await expect(hopeless).rejects.toMatchObject({ code: "transaction_contended" });
  expect(attempts).toBe(6);
});

test("work that gives up on a deadlock or a serialization failure is run again", async () => {
  for (const state of ["40001", "40P01"]) {
    let attempts = 0;
    await inTransaction(pool, async (tx) => {
      attempts += 1;
      if (attempts === 1) await tx.query(`do $$ begin raise sqlstate '${state}'; end $$`);
    });
    expect(attempts).toBe(2);
  }
});

test("an error of the data itself is neither unavailable nor retried", async () => {
  const twice = inTransaction(pool, async (tx) => {
    await tx.query("insert into notes values ('a')");
    await tx.query("insert into notes values ('a')");
  });
  const error = await twice.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "23505" });
  expect([isUnavailable(error), isRetryable(error)]).toEqual([false, false]);
});

test.each([
  ["deallocate_all", "deallocate all"],
  ["discard_all", "discard all"],
  ["altered", "alter table altered add column more int"],
])(
  "a connection that lost its prepared statements costs a reconnect and nothing else: %s",
  async (name, act) => {
    const all = { name, text: `select * from ${name}` };
    await pool.query(`create table ${name} (number int); insert into ${name} values (1)`);
    const clients = await Promise.all([1, 2, 3].map(() => pool.connect()));
    for (const client of clients) await query(client, all);
    for (const client of name === "altered" ? clients.slice(0, 1) : clients) await client.query(act);
    for (const client of clients) client.release();

    const result = await inTransaction(pool, async (tx) => {
      await tx.query("insert into notes values ('once')");
      return query(tx, all);
    });
    expect(result.rows).toMatchObject([{ number: 1 }]);
    expect(await notes()).toEqual(["once"]);

    const again = await pool.connect();
    await query(again, all);
    await again.query(act.replace("more", "still_more"));
    again.release();
    expect((await query(pool, all)).rows).toMatchObject([{ number: 1 }]);
  },
);
