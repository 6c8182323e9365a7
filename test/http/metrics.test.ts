import { readFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { savePosition } from "../../src/database/positions.js";
import type { SubscriptionStatus } from "../../src/operations/subscription-status.js";
import { SubscriptionWatch } from "../../src/operations/subscription-watch.js";
import { NOW, openSalonApp, openTestApp, type TestApp } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { bodyOf, bookingEvent, customerEvent, paymentEvent, squareEvent } from "../support/events.js";
import { addProfiles, sweepAt } from "../support/sweeping.js";

const database = await openTestDatabase();
let app: TestApp;
let salon: string;

beforeEach(async () => {
  ({ app, salon } = await openSalonApp(database));
});

const read = async (from = app) => (await from.http.inject("/metrics")).body;

/** The value of a sample, with the labels in the order in which they are written. */
function value(text: string, sample: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

test("what happens to deliveries is counted by type and outcome, and refusals by status", async () => {
  const event = paymentEvent();
  await app.deliver(event);
  await app.deliver(event);
  await app.deliver(paymentEvent({ updated_at: "2026-05-01T00:00:00Z" }));
  await app.deliver(bookingEvent({ start_at: "never" }));
  await app.deliver(squareEvent("loyalty.account.created", { id: "x" }));
  await app.inject(bodyOf(paymentEvent()), { "x-square-hmacsha256-signature": "forged" });
  const text = await read();
  const outcome = (type: string, name: string) =>
    value(text, `regulars_events_total{event_type="${type}",outcome="${name}"}`);
  expect(outcome("payment.updated", "processed")).toBe(1);
  expect(outcome("payment.updated", "duplicate")).toBe(1);
  expect(outcome("payment.updated", "stale")).toBe(1);
  expect(outcome("booking.updated", "dead")).toBe(1);
  expect(outcome("other", "ignored")).toBe(1);
  expect(value(text, 'regulars_deliveries_refused_total{status="401"}')).toBe(1);
  expect(value(text, 'regulars_inbox_events{status="dead"}')).toBe(1);
  expect(value(text, "regulars_batch_events_count")).toBe(5);
  expect(value(text, "regulars_recompute_seconds_count")).toBeGreaterThanOrEqual(1);
});

test("before the first sweep its end is told as 0, so that an alert can tell that none comes", async () => {
  expect(value(await read(), "regulars_sweep_last_end_timestamp_seconds")).toBe(0);
});

test("sweeps, drift, pulls and organizations are told as the status tells them", async () => {
  await addProfiles(database, salon, 3);
  await sweepAt(database, new Date(NOW.getTime() - 3_600_000), "full");
  await database.pool.query("update customer_analytics set total_bookings = 9");
  const report = await sweepAt(database, NOW);
  const watermark = new Date(NOW.getTime() - 90_000).toISOString();
  await savePosition(database.pool, salon, "pull/payments/L1", { watermark }, NOW);
  await app.deliver(customerEvent("customer.created", { id: "ana" }));
  const text = await read();
  expect(value(text, 'regulars_sweep_drifted_rows{column="total_bookings"}')).toBe(3);
  expect(value(text, "regulars_sweep_last_end_timestamp_seconds")).toBe(NOW.getTime() / 1_000);
  for (const { step, duration_ms } of report.steps) {
    expect(value(text, `regulars_sweep_step_duration_seconds{step="${step}"}`)).toBe(duration_ms / 1_000);
  }
  expect(value(text, `regulars_pull_lag_seconds{organization_id="${salon}",list="payments/L1"}`)).toBe(90);
  expect(value(text, `regulars_last_event_timestamp_seconds{organization_id="${salon}"}`)).toBe(
    NOW.getTime() / 1_000,
  );
  expect(text.replaceAll(/^#.*/gm, "")).not.toMatch(/ana|C00000|Harbor|token/);
});

test("a token's end and a seller who has left are told, and nothing is reckoned late of a seller who has left", async () => {
  const expiry = new Date(NOW.getTime() + 5 * 86_400_000);
  await database.prisma.organization.update({
    where: { id: salon },
    data: { accessTokenCiphertext: new Uint8Array(60), tokenExpiresAt: expiry },
  });
  await savePosition(database.pool, salon, "pull/payments/L1", { watermark: NOW.toISOString() }, NOW);
  await app.deliver(customerEvent("customer.created", { id: "ana" }));
  const told = async (status: string) => {
    // Values of the database are reused for some seconds, so each reading is of a new server.
    const text = await read(await openTestApp(database));
    const of = `organization_id="${salon}"`;
    return {
      status: value(text, `regulars_organization_status{${of},status="${status}"}`),
      expiry: value(text, `regulars_token_expiry_timestamp_seconds{${of}}`),
      lag: value(text, `regulars_pull_lag_seconds{${of},list="payments/L1"}`),
      heard: value(text, `regulars_last_event_timestamp_seconds{${of}}`),
    };
  };
  const heard = NOW.getTime() / 1_000;
  expect(await told("active")).toEqual({ status: 1, expiry: expiry.getTime() / 1_000, lag: 0, heard });
  for (const status of ["revoked", "disconnected"]) {
    await database.prisma.organization.update({ where: { id: salon }, data: { status } });
    expect(await told(status)).toEqual({ status: 1 });
    expect((await told("active")).status).toBeUndefined();
  }
});

test("the level of the webhook subscription's problem is told once Square was asked", async () => {
  const unchecked = new SubscriptionWatch({} as never).status;
  const told = async (status: SubscriptionStatus | undefined) => {
    const subscription = status && { status };
    const text = await read(await openTestApp(database, { subscription }));
    return ["warning", "error"].map((level) =>
      value(text, `regulars_subscription_problem{level="${level}"}`),
    );
  };
  expect(await told(undefined)).toEqual([undefined, undefined]);
  expect(await told(unchecked)).toEqual([undefined, undefined]);
  const checked = { ...unchecked, checked_at: NOW };
  expect(await told(checked)).toEqual([0, 0]);
  expect(await told({ ...checked, level: "warning" })).toEqual([1, 0]);
  expect(await told({ ...checked, level: "error" })).toEqual([0, 1]);
});

test("without the database the process still tells what it knows", async () => {
  const gone = await openDatabase({
    databaseUrl: "postgresql://postgres@127.0.0.1:1/postgres",
    dataDir: "",
    role: "server",
  });
  const text = await read(await openTestApp(gone));
  expect(value(text, "regulars_database_up")).toBe(0);
  // An alert would take a zero for a fact.
  for (const gauge of [
    "sweep_last_end_timestamp_seconds",
    "inbox_oldest_unprocessed_age_seconds",
    "rows_due",
  ]) {
    expect(value(text, `regulars_${gauge}`), gauge).toBeUndefined();
  }
  expect(value(text, "regulars_inbox_queued_events")).toBe(0);
  expect(value(text, "nodejs_eventloop_lag_p99_seconds")).toBeGreaterThanOrEqual(0);
  await gone.close();
});

/** The metrics that a PromQL expression names. It fails when the expression cannot be parsed. */
function metricsOf(expression: string): string[] {
  const names: string[] = [];
  parser.parse(expression).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`${expression}: it cannot be parsed at ${node.from}`);
      const parent = node.node.parent?.name;
      if (node.name === "Identifier" && parent === "VectorSelector") {
        names.push(expression.slice(node.from, node.to));
      }
    },
  });
  return names;
}

/** Fails when an expression cannot be parsed, names no metric, or names one that does not exist. */
async function expectMetrics(expressions: readonly string[]): Promise<void> {
  const types = Array.from(
    (await read()).matchAll(/^# TYPE (\S+) (\w+)/gm),
    ([, name, type]) => [name, type] as const,
  );
  const existing = types.flatMap(([name, type]) =>
    type === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => `${name}${end}`) : [name],
  );
  // Prometheus makes this one itself.
  existing.push("up");
  for (const expression of expressions) {
    const names = metricsOf(expression);
    expect(names.length, expression).toBeGreaterThan(0);
    for (const metric of names) expect(existing, expression).toContain(metric);
  }
}

const alertRules = readFileSync("docs/alerts.yaml", "utf8")
  .split(/^ {6}- alert: /m)
  .slice(1);

test("every alert rule can be parsed, says what it means and what to do, and names metrics that exist", async () => {
  expect(alertRules.length).toBeGreaterThan(10);
  for (const rule of alertRules) {
    const name = rule.split("\n", 1)[0];
    for (const field of ["summary", "description", "remedy"]) {
      expect(rule, `${name}: ${field}`).toMatch(new RegExp(`^ {10}${field}: [A-Z].*\\.$`, "m"));
    }
    expect(rule, name).toMatch(/severity: (critical|warning) /);
  }
  await expectMetrics(alertRules.map((rule) => rule.match(/^ {8}expr: (.+)$/m)?.[1] ?? ""));
});

test("docs/operations.md tells meaning, query and remedy of every alert, in their order", () => {
  const nameOf = (text: string) => text.split("\n", 1)[0];
  const sections = readFileSync("docs/operations.md", "utf8")
    .split(/^## /m)
    .slice(1)
    .filter((section) => nameOf(section) !== "Traces");
  expect(sections.map(nameOf)).toEqual(alertRules.map(nameOf));
  for (const section of sections) {
    for (const part of ["Meaning", "Query", "Remedy"])
      expect(section, nameOf(section)).toContain(`**${part}.**`);
  }
});

test("the Grafana dashboard asks only for metrics that exist, and shows every metric of Regulars", async () => {
  const { panels } = JSON.parse(readFileSync("docs/grafana.json", "utf8")) as {
    panels: { targets: { expr: string }[] }[];
  };
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  await expectMetrics(expressions);
  const shown = expressions.flatMap(metricsOf).map((name) => name.replace(/_(bucket|sum|count)$/, ""));
  const own = Array.from((await read()).matchAll(/^# TYPE (regulars_\S+)/gm), ([, name]) => name);
  expect(own.filter((name = "") => !shown.includes(name))).toEqual([]);
});

test("names follow Prometheus' conventions", async () => {
  const types = [...(await read()).matchAll(/^# TYPE (regulars_\S+) (\w+)$/gm)].map(([, name, type]) => [
    name,
    type,
  ]);
  expect(types.length).toBeGreaterThan(15);
  for (const [name = "", type] of types) {
    expect(name).toMatch(/^regulars_[a-z_]+$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(name, name).not.toMatch(/_(ms|minutes|hours|kb|mb)$/);
  }
});
