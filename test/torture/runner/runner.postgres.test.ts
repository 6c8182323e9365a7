/** The checks of attacks find what is wrong. */
import { expect, inject, test } from "vitest";
import type { Attack, AttackContext } from "./attack.js";
import { checkNoLocksLeft, checkNothingLost, checkRows, checkStoredOnce } from "./checks.js";
import { asAdmin, Databases } from "./databases.js";
import { runAll, runAttack } from "./run.js";
import { addSalon } from "./salon.js";
import { Sender } from "./sender.js";
import { summarize, summaryLines } from "./summary.js";

const databases = new Databases(`${inject("databasePrefix")}_template`);
const options = { seed: "runner", databases, log: () => {} };

function attack(run: (context: AttackContext) => Promise<void>): Attack {
  return { name: "trial", describe: "A trial.", run };
}

function tryOut(run: (context: AttackContext) => Promise<void>, rounds = 1) {
  return runAttack(attack(run), { ...options, extent: { rounds } });
}

test("the checks find a lost event, a dead event, a wrong row and a remaining lock, and nothing else", async () => {
  const { tally } = await tryOut(async (context) => {
    const attacked = await context.openDatabase();
    const { pool } = attacked.database;
    const salon = await addSalon(attacked, context.seed, 2);
    const server = await context.startServer(attacked);
    const sender = new Sender({ url: () => server.url, tally: context.tally });
    expect(await sender.deliver(salon.events)).toBe(0);
    sender.close();
    const check = async () => {
      await checkNothingLost(attacked.database, sender.acknowledged.keys(), context.tally);
      await checkStoredOnce(attacked.database, context.tally);
      await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), context.tally);
      await checkNoLocksLeft(attacked.database, context.tally);
    };
    await check();
    expect(context.tally.holds).toBe(true);
    expect(context.tally.counts).toMatchObject({ sent: salon.events.length, lost: 0, rowsWrong: 0 });
    expect(context.tally.counts.rowsCompared).toBeGreaterThan(0);

    const { rows } = await pool.query(
      "delete from webhook_events where event_id = (select min(event_id) from webhook_events) returning event_id",
    );
    await pool.query(
      "update customer_analytics set total_payments = total_payments + 1, refresh_due_at = null where square_customer_id = (select min(square_customer_id) from customer_analytics)",
    );
    await pool.query(
      "update webhook_events set status = 'dead' where event_id = (select min(event_id) from webhook_events)",
    );
    const holder = await pool.connect();
    await holder.query("select pg_advisory_lock(1)");
    await check();
    holder.release(true);
    expect(context.tally.brokenPromises.join("\n")).toContain(rows[0].event_id);
  });
  expect(tally.counts).toMatchObject({ lost: 1, rowsWrong: 1 });
  expect(tally.brokenPromises.join("\n")).toMatch(
    /"statuses":\["dead"\].*total_payments: expected.*\n1 locks remain/s,
  );
});

test("an attack that fails is a broken promise: its database is dropped, its server is killed, and the others run", async () => {
  let name = "";
  let pid = 0;
  const failing = attack(async (context) => {
    const attacked = await context.openDatabase();
    name = attacked.name;
    pid = (await context.startServer(attacked)).pid;
    throw new Error("out of ideas");
  });
  const results = await runAll([failing, { ...attack(async () => {}), name: "quiet" }], {
    ...options,
    minutes: 0.001,
  });
  expect(results.map(({ tally }) => tally.holds)).toEqual([false, true]);
  const summary = summarize("runner", results, false);
  expect(summary).toMatchObject({ seed: "runner", holds: false });
  expect(summaryLines(summary).join("\n")).toMatch(
    /BROKEN {2}trial.*out of ideas.*held {4}quiet.*seed runner/s,
  );
  expect((await asAdmin(`select from pg_database where datname = '${name}'`)).rowCount).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});

test("rounds end with the time or an interruption, and the first round always runs", async () => {
  const counted: number[] = [];
  const interrupted = new AbortController();
  const countRounds = (extent: Parameters<typeof runAttack>[1]["extent"], stopAfter = 1_000) =>
    runAttack(
      attack(async ({ rounds }) => {
        let count = 0;
        for (const _ of rounds(20)) {
          count += 1;
          if (count === stopAfter) interrupted.abort();
        }
        counted.push(count);
      }),
      { ...options, extent, interrupted: interrupted.signal },
    );
  await countRounds({ until: performance.now() - 1 });
  await countRounds({ until: performance.now() + 60_000 });
  await countRounds({ rounds: 3 });
  await countRounds({ until: performance.now() + 60_000 }, 2);
  expect(counted).toEqual([1, 20, 3, 2]);
});
