import { beforeEach, describe, expect, it } from "vitest";
import { savePosition } from "../../src/database/positions.js";
import { Replica } from "../../src/database/replica.js";
import { silentLog } from "../../src/log.js";
import { addSalon, adminHeaders, NOW, openTestApp, type TestAppOptions, testConfig } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { addProfiles, sweepAt } from "../support/sweeping.js";
import { insert } from "../support/worlds-insert.js";

const PATH = "/admin/jobs/status";
const HOUR = 3_600_000;
const at = (hours: number) => new Date(NOW.getTime() + hours * HOUR);

const database = await openTestDatabase();
beforeEach(() => emptyDatabase(database));

async function status(options: TestAppOptions = {}) {
  const { http } = await openTestApp(database, options);
  const answer = await http.inject({ url: PATH, headers: adminHeaders });
  expect(answer.statusCode).toBe(200);
  return { json: answer.json(), text: answer.body };
}

async function addEvent(
  organizationId: string,
  event: { id: string; status: string; received: Date; error?: string },
) {
  await database.pool.query(
    `insert into webhook_events (organization_id, event_id, merchant_id, event_type, status, attempts, next_attempt_at,
       last_error, received_at, source, payload)
     values ($1, $2, 'M', 'booking.updated', $3, 8, $4, $5, $4, 'webhook', '{"given_name": "Ana"}')`,
    [organizationId, event.id, event.status, event.received, event.error ?? null],
  );
}

describe("the status of the jobs", () => {
  it("of an empty database says that there is nothing", async () => {
    expect((await status()).json).toEqual({
      verdict: { level: "warning", text: expect.stringContaining("org add") },
      inbox: { by_status: {}, oldest_unprocessed_seconds: null, dead_events: [], dead_by_reason: [] },
      sweeps: [],
      drift: [],
      rows_due: 0,
      organizations: [],
      silence: [],
      replica: null,
      subscription: null,
    });
  });

  it("counts events by status, tells how long the oldest has waited, and the newest dead ones without what was in them", async () => {
    const id = await addSalon(database);
    await addEvent(id, { id: "e1", status: "processed", received: at(-9) });
    await addEvent(id, { id: "e2", status: "processed", received: at(-8) });
    await addEvent(id, { id: "e3", status: "deferred", received: at(-2) });
    await addEvent(id, { id: "e4", status: "deferred", received: at(-1) });
    for (let n = 10; n < 35; n += 1) {
      await addEvent(id, { id: `d${n}`, status: "dead", received: at(-n), error: `reason ${n}` });
    }
    const { json, text } = await status();
    expect(json.inbox).toMatchObject({
      by_status: { processed: 2, deferred: 2, dead: 25 },
      oldest_unprocessed_seconds: 2 * 3600,
    });
    expect(json.inbox.dead_events).toHaveLength(20);
    expect(json.inbox.dead_events[0]).toEqual({
      organization_id: id,
      event_id: "d10",
      event_type: "booking.updated",
      reason: "reason 10",
      attempts: 8,
      received_at: at(-10).toISOString(),
    });
    expect(text).not.toContain("Ana");
    expect(json.organizations).toMatchObject([{ last_event_at: at(-1).toISOString() }]);
  });

  it("tells the last sweeps, the newest first, and what the last one found by column", async () => {
    const id = await addSalon(database);
    await addProfiles(database, id, 3);
    await sweepAt(database, at(-3), "full");
    await database.pool.query("update customer_analytics set given_name = 'x', total_bookings = 9");
    await database.pool.query(
      "update customer_analytics set late_cancellations = 4 where square_customer_id = 'C000002'",
    );
    const found = await sweepAt(database, at(-2));
    await database.pool.query(
      `insert into application_logs (log_type, status, created_at, payload) values
       ('cron', 'processing', $1, '{"cron_name": "refresh-customer-analytics", "mode": "full"}'),
       ('cron', 'completed', $1, '{"cron_name": "another"}')`,
      [at(-1)],
    );
    const { json } = await status();
    expect(json.sweeps).toMatchObject([
      {
        mode: "full",
        status: "processing",
        created_at: at(-1).toISOString(),
        duration_ms: null,
        checked: null,
        errors: [],
      },
      {
        cron_id: found.cron_id,
        mode: "recent",
        status: "completed",
        created_at: at(-2).toISOString(),
        duration_ms: found.duration_ms,
        steps: found.steps,
        waiting: { deferred_events: 0, organizations: 0 },
        checked: 3,
        drifted: 3,
        corrected: 3,
        complete: true,
        errors: [],
      },
      { mode: "full", status: "completed", created: 3, drifted: 0 },
    ]);
    expect(json.drift).toEqual([
      { column: "given_name", rows: 3 },
      { column: "total_bookings", rows: 3 },
      { column: "late_cancellations", rows: 1 },
    ]);
  });

  it("shows twenty sweeps", async () => {
    for (let n = 0; n < 22; n += 1) await sweepAt(database, at(-n));
    const { json } = await status();
    expect(json.sweeps).toHaveLength(20);
    expect(json.sweeps[0].created_at).toBe(at(0).toISOString());
  });

  it("counts rows that have come due", async () => {
    const id = await addSalon(database);
    await insert(
      database,
      id,
      "bookings",
      [-2, -1, 1].map((hours) => ({
        booking_id: `b${hours}`,
        customer_id: `c${hours}`,
        start_at: at(hours),
      })),
    );
    await sweepAt(database, at(-3));
    expect((await status()).json.rows_due).toBe(2);
  });

  it("tells of each organization how it stands, and never its token", async () => {
    const one = await addSalon(database, "M-ONE");
    const two = await addSalon(database, "M-TWO");
    await database.pool.query(
      `update organizations set access_token_ciphertext = 'TOP-SECRET', status = 'revoked', created_at = '2099-01-01'
       where id = $1`,
      [two],
    );
    await savePosition(
      database.pool,
      two,
      "pull/payments/L1",
      { watermark: "2026-05-01T00:00:00.000Z" },
      NOW,
    );
    const pull = { ended_at: "2026-05-01T00:05:00.000Z", unfinished: 2 };
    await savePosition(database.pool, two, "pull", pull, NOW);
    await savePosition(database.pool, two, "pull/profiles", { after: "C000003" }, NOW);
    await savePosition(database.pool, two, "backfill", { since: null }, NOW);
    await database.pool.query(
      "insert into pending_fetches values ($1, 'location', 'L1', $2), ($1, 'catalog', 'X', $2)",
      [two, NOW],
    );
    await addEvent(two, { id: "e1", status: "stale", received: at(-4) });
    await addEvent(two, { id: "e2", status: "processed", received: at(-5) });
    const { json, text } = await status();
    expect(json.organizations).toEqual([
      {
        organization_id: one,
        name: "Harbor Salon",
        status: "active",
        has_access_token: false,
        token: { state: "none", expires_at: null, remedy: null },
        last_event_at: null,
        pending_fetches: 0,
        last_pull_at: null,
        unfinished_pulls: 0,
        watermarks: {},
      },
      {
        organization_id: two,
        name: "Harbor Salon",
        status: "revoked",
        has_access_token: true,
        token: { state: "revoked", expires_at: null, remedy: expect.stringContaining("regulars connect") },
        last_event_at: at(-4).toISOString(),
        pending_fetches: 2,
        last_pull_at: "2026-05-01T00:05:00.000Z",
        unfinished_pulls: 2,
        watermarks: { "payments/L1": "2026-05-01T00:00:00.000Z" },
      },
    ]);
    expect(text).not.toMatch(/TOP-SECRET|ciphertext/i);
  });

  it("calls a location silent when its pause is longer than usual for the day of the week", async () => {
    const id = await addSalon(database);
    const day = 24;
    // Both open on Mondays and Fridays in the morning, but one of them fell silent ten days ago. Now is a Monday.
    const mornings = Array.from({ length: 18 }, (_, week) => [
      -7 * week * day + 2,
      -7 * week * day - 3 * day,
    ]).flat();
    for (const [location_id, until] of [
      ["open", 0],
      ["silent", -10 * day],
      ["new", 0],
    ] as const) {
      const heard = mornings.filter((hours) => hours < until && (location_id !== "new" || hours > -15 * day));
      const payments = heard.map((hours) => ({
        payment_id: `${location_id}${hours}`,
        location_id,
        created_at: at(hours),
      }));
      await insert(database, id, "payments", payments);
    }
    await sweepAt(database, at(-1));
    await sweepAt(database, NOW);
    const { json } = await status();
    const { silence, verdict } = json;
    expect(silence).toMatchObject([
      { organization_id: id, location_id: "silent", is_silent: true, usual_hours: 94 },
      { location_id: "new", is_silent: false, usual_hours: null },
      { location_id: "open", is_silent: false, usual_hours: 94, last_heard_at: at(-3 * day).toISOString() },
    ]);
    expect(verdict).toEqual({
      level: "warning",
      text: expect.stringContaining("silent has been silent for"),
    });
  });

  it("has one verdict: well, or what to do", async () => {
    const id = await addSalon(database);
    await addProfiles(database, id, 2);
    const verdict = async () => (await status()).json.verdict;
    expect(await verdict()).toMatchObject({ level: "warning", text: expect.stringContaining("No sweep") });
    await sweepAt(database, at(-9), "full");
    expect(await verdict()).toMatchObject({
      level: "warning",
      text: expect.stringContaining("RECONCILE_SCHEDULE"),
    });
    await database.pool.query("update customer_analytics set total_bookings = 9");
    await sweepAt(database, at(-1));
    expect(await verdict()).toMatchObject({
      level: "warning",
      text: expect.stringContaining("corrected 2 wrong row(s)"),
    });
    await sweepAt(database, NOW);
    expect(await verdict()).toEqual({
      level: "ok",
      text: "All is well. The last sweep compared 2 rows, and none differed.",
    });
    const url = "postgresql://postgres@127.0.0.1:1/postgres";
    const replica = await Replica.open({ primary: database.pool, url, log: silentLog });
    expect((await status({ replica })).json.verdict).toEqual({
      level: "warning",
      text: "Reports are read from the primary: The replica was not checked yet",
    });
    await replica.stop();
    await addEvent(id, { id: "e1", status: "deferred", received: at(-2) });
    expect(await verdict()).toMatchObject({
      level: "error",
      text: expect.stringContaining("waited for 2 h"),
    });
  });

  it("tells until when a token is valid, and what to do when it is late or expired", async () => {
    const id = await addSalon(database);
    await addProfiles(database, id, 1);
    await sweepAt(database, at(-1), "full");
    await sweepAt(database, NOW);
    const stand = async (obtained: number, expires: number | null, refresh: string | null) => {
      await database.pool.query(
        `update organizations set access_token_ciphertext = 'a', refresh_token_ciphertext = $2,
           token_obtained_at = $3, token_expires_at = $4 where id = $1`,
        [id, refresh, at(obtained), expires === null ? null : at(expires)],
      );
      const { organizations, verdict } = (await status()).json;
      return { ...organizations[0].token, verdict: verdict.text };
    };
    const day = 24;
    const well = expect.stringContaining("All is well");
    expect(await stand(-100 * day, null, null)).toEqual({
      state: "valid",
      expires_at: null,
      remedy: null,
      verdict: well,
    });
    expect(await stand(-8 * day, 22 * day, "r")).toMatchObject({
      state: "valid",
      expires_at: at(22 * day).toISOString(),
      verdict: well,
    });
    expect(await stand(-8 * day - 1, 22 * day, "r")).toMatchObject({
      state: "late",
      verdict: expect.stringContaining("was not renewed in time. To do: see why the sweeps"),
    });
    expect(await stand(-31 * day, 0, "r")).toMatchObject({
      state: "expired",
      verdict: expect.stringContaining('has expired. To do: run "regulars reconcile"'),
    });
    expect((await stand(-31 * day, 0, null)).remedy).toContain("--access-token-stdin");
  });

  it("tells how the webhook subscription stands, and first of all when events are lost", async () => {
    const id = await addSalon(database);
    await addProfiles(database, id, 1);
    await sweepAt(database, at(-1), "full");
    await sweepAt(database, NOW);
    const points = {
      address: true,
      enabled: false,
      signature_key: true,
      event_types: true,
      api_version: true,
    };
    const subscription = {
      checked_at: NOW,
      id: "wbhk_1",
      points,
      problem: "It is disabled",
      remedy: "repair it",
    };
    for (const level of ["error", "warning"] as const) {
      const { json } = await status({ subscription: { status: { ...subscription, level } } });
      expect(json.subscription).toEqual({ ...subscription, level, checked_at: NOW.toISOString() });
      expect(json.verdict).toEqual({ level, text: "It is disabled. To do: repair it." });
    }
  });

  it("tells drift by day and column, with days on which nothing was found", async () => {
    const id = await addSalon(database);
    await addProfiles(database, id, 3);
    await sweepAt(database, at(-60), "full");
    for (const hours of [-26, -25]) {
      await database.pool.query("update customer_analytics set total_bookings = 9");
      await sweepAt(database, at(hours));
    }
    const { http } = await openTestApp(database);
    const { days } = (await http.inject({ url: "/admin/drift?days=4", headers: adminHeaders })).json();
    expect(days).toEqual([
      { date: "2026-05-29", sweeps: 0, checked: 0, drifted: 0, columns: [] },
      { date: "2026-05-30", sweeps: 1, checked: expect.any(Number), drifted: 0, columns: [] },
      {
        date: "2026-05-31",
        sweeps: 2,
        checked: 6,
        drifted: 6,
        columns: [{ column: "total_bookings", rows: 6 }],
      },
      { date: "2026-06-01", sweeps: 0, checked: 0, drifted: 0, columns: [] },
    ]);
    expect((await http.inject({ url: "/admin/drift", headers: adminHeaders })).json().days).toHaveLength(30);
    expect((await http.inject({ url: "/admin/drift?days=0", headers: adminHeaders })).json().parameter).toBe(
      "days",
    );
  });

  it("is behind the admin key", async () => {
    const { http } = await openTestApp(database);
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      expect((await http.inject({ url: PATH, headers })).statusCode).toBe(401);
    }
    const { adminApiKey: _, ...config } = testConfig;
    const closed = await openTestApp(database, { config: { ...config, adminApiKey: undefined } as never });
    const answer = await closed.http.inject({ url: PATH, headers: adminHeaders });
    expect(answer.statusCode).toBe(503);
    expect(answer.json().detail).toContain("ADMIN_API_KEY");
  });
});
