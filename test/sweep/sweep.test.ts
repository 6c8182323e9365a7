import { beforeEach, describe, expect, it, test } from "vitest";
import type { SweepProgress } from "../../src/sweep/report.js";
import { sweep } from "../../src/sweep/sweep.js";
import { addSalon, openInbox } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, customerEvent, received } from "../support/events.js";
import { addProfiles, contextAt, nothingWrong, reportOf, sweepAt } from "../support/sweeping.js";

const NOW = new Date("2026-06-01T12:00:00Z");
const HOUR = 60 * 60_000;
const DAY = 86_400_000;

const database = await openTestDatabase();
let organizationId: string;

beforeEach(async () => {
  await emptyDatabase(database);
  organizationId = await addSalon(database);
});

async function logs(): Promise<Record<string, unknown>[]> {
  const { rows } = await database.pool.query(
    "select * from application_logs order by created_at, payload ->> 'cron_id'",
  );
  return rows;
}

const setAll = (assignments: string) => database.pool.query(`update customer_analytics set ${assignments}`);

async function count(condition: string): Promise<number> {
  const { rows } = await database.pool.query(`select count(*) from customer_analytics where ${condition}`);
  return Number(rows[0].count);
}

describe("a sweep's row in application_logs", () => {
  it("is written once and holds the report", async () => {
    await addProfiles(database, organizationId, 3);
    const report = await sweepAt(database, NOW, "full");
    expect(report).toMatchObject({
      ...nothingWrong,
      mode: "full",
      checked: 3,
      created: 3,
      events_retried: 0,
    });
    expect(await logs()).toEqual([
      {
        log_id: report.cron_id,
        organization_id: null,
        log_type: "cron",
        status: "completed",
        created_at: NOW,
        completed_at: NOW,
        duration_ms: report.duration_ms,
        payload: { cron_name: "refresh-customer-analytics", ...report },
      },
    ]);
  });

  it("has status processing and the progress while the sweep runs", async () => {
    await addProfiles(database, organizationId, 3);
    const seen: Record<string, unknown>[][] = [];
    const inbox = openInbox(database);
    const retryDue = async () => {
      seen.push(await logs());
      return inbox.retryDue();
    };
    const context = contextAt(database, () => NOW, {
      inbox: { receive: (event) => inbox.receive(event), retryDue },
    });
    const report = reportOf(await sweep(context, "recent"));
    expect(seen).toEqual([
      [
        expect.objectContaining({
          log_id: report.cron_id,
          status: "processing",
          completed_at: null,
          duration_ms: null,
          payload: { cron_name: "refresh-customer-analytics", mode: "recent" },
        }),
      ],
    ]);
    expect(await logs()).toHaveLength(1);
  });

  it("of a killed sweep is closed as interrupted by the next one; other rows stay", async () => {
    await database.pool.query(
      `insert into application_logs (log_type, status, created_at, payload) values
       ('cron', 'processing', $1, '{"cron_name": "refresh-customer-analytics", "mode": "recent", "checked": 250}'),
       ('cron', 'processing', $1, '{"cron_name": "another"}'),
       ('refresh', 'processing', $1, '{}')`,
      [new Date(NOW.getTime() - DAY)],
    );
    await sweepAt(database, NOW);
    const [killed, ...rest] = (await logs()).sort((a, b) =>
      JSON.stringify(a.payload).length < JSON.stringify(b.payload).length ? 1 : -1,
    );
    expect(rest.map(({ status }) => status).sort()).toEqual(["error", "processing", "processing"]);
    expect(killed?.status).toBe("completed");
    expect(rest.find(({ status }) => status === "error")).toMatchObject({
      completed_at: NOW,
      payload: { checked: 250, success: false, errors: [{ code: "interrupted" }] },
    });
  });
});

describe("a sweep with a failed step", () => {
  it("runs the other steps, and its row has status error", async () => {
    await addProfiles(database, organizationId, 3);
    const inbox = {
      ...contextAt(database, () => NOW).inbox,
      retryDue: async () => {
        throw new TypeError("name: Ana");
      },
    };
    const report = reportOf(
      await sweep(
        contextAt(database, () => NOW, { inbox }),
        "recent",
      ),
    );
    expect(report).toMatchObject({
      success: false,
      complete: true,
      created: 3,
      errors: [{ organization_id: null, step: "events", code: "internal_error", message: "TypeError" }],
    });
    expect(await logs()).toMatchObject([{ status: "error", payload: report }]);
  });
});

test("a sweep retries the deferred events that are due", async () => {
  const inbox = openInbox(database);
  await inbox.receive(received(customerEvent("customer.created", { id: "ana" })));
  for (const id of ["b1", "b2", "b3"]) await inbox.receive(received(bookingEvent({ id })));
  await database.pool.query("delete from bookings");
  await database.pool.query(
    `update webhook_events set status = 'deferred', next_attempt_at = $1::timestamptz where event_type like 'booking%'`,
    [NOW],
  );
  await database.pool.query(
    `update webhook_events set next_attempt_at = $1::timestamptz + interval '1 second'
     where event_id = (select max(event_id) from webhook_events where event_type like 'booking%')`,
    [NOW],
  );
  expect(await sweepAt(database, NOW)).toMatchObject({ events_retried: 2, success: true });
  const { rows } = await database.pool.query(
    "select status from webhook_events where event_type like 'booking%' order by status",
  );
  expect(rows.map(({ status }) => status)).toEqual(["deferred", "processed", "processed"]);
  expect((await database.pool.query("select 1 from bookings")).rowCount).toBe(2);
});

test("events deferred for more than an hour fail the sweep, and its error says what to do", async () => {
  const inbox = openInbox(database);
  for (const id of ["b1", "b2"]) await inbox.receive(received(bookingEvent({ id })));
  const wait = (minutes: number) =>
    database.pool.query(
      "update webhook_events set status = 'deferred', received_at = $1, next_attempt_at = $2",
      [new Date(NOW.getTime() - minutes * 60_000), new Date(NOW.getTime() + HOUR)],
    );
  await wait(59);
  expect(await sweepAt(database, NOW)).toMatchObject({ success: true, waiting: { deferred_events: 0 } });
  await wait(61);
  expect(await sweepAt(database, NOW)).toMatchObject({
    success: false,
    complete: true,
    waiting: { deferred_events: 2 },
    errors: [
      {
        organization_id: organizationId,
        step: "events",
        code: "events_waiting",
        message: expect.stringContaining("regulars replay --status deferred"),
      },
    ],
  });
});

describe("a time budget", () => {
  const CHUNK = 250;
  const damaged = () => count("given_name = 'wrong'");

  beforeEach(async () => {
    await addProfiles(database, organizationId, 2 * CHUNK + 10);
    await sweepAt(database, NOW, "full");
    await setAll("given_name = 'wrong'");
  });

  it("of nothing still checks all rows: each sweep continues where the one before stopped", async () => {
    const budget = { timeBudgetMs: 0 };
    const first = await sweepAt(database, NOW, "recent", budget);
    expect(first).toMatchObject({ success: true, complete: false, checked: CHUNK, drifted: CHUNK });
    expect(await damaged()).toBe(CHUNK + 10);
    const second = await sweepAt(database, NOW, "recent", budget);
    expect(second).toMatchObject({ complete: false, checked: CHUNK, drifted: CHUNK });
    expect(await damaged()).toBe(10);
    const third = await sweepAt(database, NOW, "recent", budget);
    expect(third).toMatchObject({ complete: true, checked: 10, drifted: 10 });
    expect(await damaged()).toBe(0);
  });

  it("that is enough checks all rows in one sweep, wherever it begins", async () => {
    await sweepAt(database, NOW, "recent", { timeBudgetMs: 0 });
    await database.pool.query(
      "update customer_analytics set given_name = 'again' where square_customer_id in ('C000001', 'C000250')",
    );
    expect(await sweepAt(database, NOW)).toMatchObject({
      complete: true,
      checked: 2 * CHUNK + 10,
      drifted: CHUNK + 10 + 2,
    });
    expect(await sweepAt(database, NOW)).toMatchObject({ ...nothingWrong, checked: 2 * CHUNK + 10 });
  });

  it("does not limit a full sweep", async () => {
    expect(await sweepAt(database, NOW, "full", { timeBudgetMs: 0 })).toMatchObject({
      complete: true,
      checked: 2 * CHUNK + 10,
    });
  });

  it("covers all organizations in the order of their ids, around the end", async () => {
    for (const merchant of ["M-2", "M-3", "M-4"]) {
      await addProfiles(database, await addSalon(database, merchant), 300);
    }
    const sweeps: [number, boolean][] = [];
    for (let left = 20; left > 0; left -= 1) {
      const { checked, complete } = await sweepAt(database, NOW, "recent", { timeBudgetMs: 0 });
      sweeps.push([checked, complete]);
      if (complete) break;
    }
    expect(sweeps.map(([, complete]) => complete)).toEqual([...Array(8).fill(false), true]);
    expect(sweeps.reduce((sum, [checked]) => sum + checked, 0)).toBe(510 + 900);
    expect(await damaged()).toBe(0);
    expect(await count("true")).toBe(1410);
  });
});

test("a stopped sweep ends after its chunk and reports it, and the next one continues there", async () => {
  await addProfiles(database, organizationId, 600);
  const stop = new AbortController();
  const context = contextAt(database, () => NOW, { signal: stop.signal });
  const onProgress = ({ step }: SweepProgress) => {
    if (step === "check") stop.abort();
  };
  const report = reportOf(await sweep(context, "full", { onProgress }));
  expect(report).toMatchObject({
    success: false,
    complete: false,
    checked: 250,
    created: 250,
    errors: [{ organization_id: null, step: "sweep", code: "interrupted" }],
  });
  expect(await logs()).toMatchObject([{ status: "error", completed_at: NOW, payload: report }]);
  const progress: number[] = [];
  const next = reportOf(
    await sweep(
      contextAt(database, () => NOW),
      "full",
      {
        onProgress: ({ step, done }) => step === "check" && progress.push(done),
      },
    ),
  );
  expect(next).toMatchObject({ success: true, complete: true, created: 350, checked: 600 });
  // It began after the first 250.
  expect(progress).toEqual([250, 350, 600]);
});

describe("retention", () => {
  const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY);

  async function addEvents(count: number, age: number, status: string) {
    await database.pool.query(
      `insert into webhook_events (organization_id, event_id, merchant_id, event_type, status, attempts, received_at, source,
         payload, next_attempt_at)
       select $1, $2 || '-' || n, 'M', 'booking.created', $2, 1, $3, 'webhook', '{}', $4
       from generate_series(1, $5::integer) n`,
      [organizationId, status, daysAgo(age), new Date(NOW.getTime() + HOUR), count],
    );
  }

  async function events() {
    const { rows } = await database.pool.query(
      "select status, count(*)::integer as count from webhook_events group by status",
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  it("removes all old raw events, but no deferred ones", async () => {
    await addEvents(2_500, 91, "processed");
    await addEvents(3, 91, "dead");
    await addEvents(4, 91, "deferred");
    await addEvents(5, 89, "stale");
    expect(await sweepAt(database, NOW)).toMatchObject({ complete: true });
    expect(await events()).toEqual({ deferred: 4, stale: 5 });
    await sweepAt(database, NOW, "recent", { retention: { eventDays: 40, payloadDays: 40 } });
    expect(await events()).toEqual({ deferred: 4 });
  });

  it("removes the oldest marked orders of an organization without a token", async () => {
    await database.pool.query(
      `insert into pending_fetches (organization_id, object_type, object_id, requested_at)
       select $1::uuid, 'order', 'O' || n, $2::timestamptz + n * interval '1 second' from generate_series(1, 10003) n
       union all select $1::uuid, 'location', 'L', $2::timestamptz`,
      [organizationId, daysAgo(9)],
    );
    await sweepAt(database, NOW);
    const { rows } = await database.pool.query(
      "select object_type, count(*)::integer, min(requested_at) as since from pending_fetches group by 1 order by 1",
    );
    expect(rows).toEqual([
      { object_type: "location", count: 1, since: daysAgo(9) },
      { object_type: "order", count: 10_000, since: new Date(daysAgo(9).getTime() + 4_000) },
    ]);
  });

  it("keeps events for EVENT_RETENTION_DAYS", async () => {
    await addEvents(3, 91, "processed");
    await sweepAt(database, NOW, "recent", { retention: { eventDays: 100, payloadDays: 100 } });
    expect(await events()).toEqual({ processed: 3 });
  });

  it("removes logs after 90 days", async () => {
    for (const [status, age] of [
      ["completed", 91],
      ["error", 91],
      ["completed", 89],
    ] as const) {
      await database.pool.query(
        "insert into application_logs (log_type, status, created_at) values ('refresh', $1, $2)",
        [status, daysAgo(age)],
      );
    }
    await sweepAt(database, NOW);
    expect((await logs()).map(({ log_type, created_at }) => [log_type, created_at])).toEqual([
      ["refresh", daysAgo(89)],
      ["cron", NOW],
    ]);
  });
});
