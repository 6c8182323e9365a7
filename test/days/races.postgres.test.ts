/** Writers beside the keeping of days. */
import { EventEmitter, once } from "node:events";
import { beforeEach, expect, test, vi } from "vitest";
import { factsOfPayment } from "../../handlers/payment.js";
import { inTransaction } from "../../src/database/transaction.js";
import { keepDays } from "../../src/days/keep.js";
import { lockFacts, writeFacts } from "../../src/facts/write-facts.js";
import { kpi } from "../../src/reports/kpi.js";
import { Random } from "../../src/simulator/random.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { toMicros } from "../oracle/index.js";
import { expectedKpi } from "../oracle/reports.js";
import { addSalon, NOW, openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { paymentEvent, received } from "../support/events.js";
import { turbulence } from "../support/turbulence.js";
import { readFacts } from "../support/worlds.js";

const database = await openTestDatabase();
const { pool } = database;
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
  await openInbox(database).receive(received(paymentEvent({ id: "first", cents: 100 })));
});

const keep = (now = NOW) =>
  keepDays({ pool, clock: () => now, signal: new AbortController().signal, onKept: () => {} }, salon, {
    anew: false,
    until: Number.POSITIVE_INFINITY,
  });

async function revenue(): Promise<bigint> {
  const scope = { organizationId: salon, from: "2026-05-01", to: "2026-06-01", locationId: null };
  return (await kpi(pool, scope, "USD", NOW)).current.revenue_cents;
}

/** A transaction that has written a payment of a past day, and stays open until `commit`. */
async function openWriter(id: string) {
  const { data } = paymentEvent({ id, cents: 7 });
  const facts = factsOfPayment((data.object as { payment: unknown }).payment);
  const gate = new EventEmitter();
  const done = inTransaction(pool, async (tx) => {
    const locked = await lockFacts(tx, salon, facts);
    await writeFacts(tx, salon, locked, [facts], NOW);
    const opened = once(gate, "commit");
    gate.emit("written");
    await opened;
  });
  await once(gate, "written");
  return {
    commit: () => {
      gate.emit("commit");
      return done;
    },
  };
}

async function waitingForALock(): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::integer as waiting from pg_locks
     where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
  );
  return rows[0].waiting;
}

test("keeping begins only when a writer that does not mark yet has ended", async () => {
  const writer = await openWriter("late");
  const keeping = keep();
  await vi.waitFor(async () => expect(await waitingForALock()).toBe(1), { timeout: 4_000, interval: 5 });
  await writer.commit();
  await keeping;
  expect(await revenue()).toBe(107n);
});

test("a day that is kept while a writer of it is open is read from the facts", async () => {
  await keep();
  const writer = await openWriter("late");
  await pool.query("insert into day_marks (organization_id, day) values ($1, '2026-05-20')", [salon]);
  await keep();
  expect(await revenue()).toBe(100n);
  await writer.commit();
  expect(await revenue()).toBe(107n);
  await keep();
  const { rows } = await pool.query("select count(*)::integer as marks from day_marks");
  expect([await revenue(), rows[0].marks]).toEqual([107n, 0]);
});

test("reports are exact after thousands of late events beside a keeper that never rests", async () => {
  const seed = "beside the keeper";
  const simulated = simulateSalon({
    ...turbulence,
    seed,
    start: new Date("2026-01-10T00:00:00Z"),
    end: new Date("2026-04-20T00:00:00Z"),
    customers: 30,
    merchantId: "MLTESTHARBOR",
  });
  const events = new Random(seed).shuffle([...simulated.events()].map(({ event }) => event));
  const inbox = openInbox(database);
  let arriving = true;
  const arrival = (async () => {
    for (let at = 0; at < events.length; at += 20)
      await Promise.all(events.slice(at, at + 20).map((event) => inbox.receive(received(event))));
    arriving = false;
  })();
  let runs = 0;
  while (arriving) {
    await keep();
    runs += 1;
  }
  await arrival;
  expect(runs).toBeGreaterThan(3);
  for (const when of ["before", "after"]) {
    const facts = await readFacts(database, salon);
    for (const from of ["2026-01-05", "2026-02-11", "2026-03-20"]) {
      const scope = { organizationId: salon, from, to: "2026-04-25", locationId: null };
      const numbers = await kpi(pool, scope, facts.organization.currency, NOW);
      const plain = JSON.parse(
        JSON.stringify(numbers, (_, value) => (typeof value === "bigint" ? Number(value) : value)),
      );
      expect(plain, `${when} the last run, from ${from}`).toEqual(expectedKpi(facts, scope, toMicros(NOW)));
    }
    await keep();
  }
});
