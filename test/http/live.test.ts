import { EventEmitter, once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { addSalon, adminHeaders, openTestApp, type TestApp } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bookingEvent, customerEvent, paymentEvent } from "../support/events.js";
import { StreamReader } from "../support/stream-reader.js";

const database = await openTestDatabase();
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

async function addressOf({ http }: TestApp): Promise<string> {
  return http.server.listening
    ? `http://127.0.0.1:${(http.server.address() as { port: number }).port}`
    : http.listen({ host: "127.0.0.1", port: 0 });
}

async function follow(app: TestApp, organizationId = salon): Promise<StreamReader> {
  const cut = new AbortController();
  onTestFinished(() => cut.abort());
  const url = `${await addressOf(app)}/api/organizations/${organizationId}/live`;
  const response = await fetch(url, { headers: adminHeaders, signal: cut.signal });
  expect(response.status).toBe(200);
  const reader = new StreamReader(response);
  await reader.until(() => reader.text.startsWith("retry:"));
  return reader;
}

test("a committed event is told with its cause, its customers and the columns that changed, and no value", async () => {
  const app = await openTestApp(database);
  const reader = await follow(app);
  expect(reader.response.headers.get("content-type")).toMatch("text/event-stream");
  expect(reader.response.headers.get("x-content-type-options")).toBe("nosniff");
  await app.deliver(paymentEvent({ tip_money: { amount: 0, currency: "USD" } }, { event_id: "e1" }));
  await reader.until(() => reader.events.length === 1);
  const tip = { tip_money: { amount: 200, currency: "USD" }, updated_at: "2026-05-20T19:00:00Z" };
  await app.deliver(paymentEvent(tip, { event_id: "e2" }));
  await app.deliver(paymentEvent(tip, { event_id: "e2" }));
  await app.deliver(paymentEvent({ updated_at: "2026-05-19T18:00:00Z" }, { event_id: "stale" }));
  await app.deliver(paymentEvent({ id: "nobody's", customer_id: undefined }, { event_id: "e3\ndata: {}" }));
  await reader.until(() => reader.events.length === 3);
  expect(reader.events[0]?.data.columns).toEqual(
    expect.arrayContaining(["total_payments", "total_revenue_cents"]),
  );
  expect(reader.events[1]).toEqual({
    event: "change",
    id: "e2",
    data: {
      event_id: "e2",
      event_type: "payment.updated",
      at: app.clock.now.toISOString(),
      customer_ids: ["ana"],
      columns: ["total_tips_cents", "tip_rate"],
    },
  });
  expect(reader.events[2]).toMatchObject({ id: "e3 data: {}", data: { customer_ids: [], columns: [] } });
});

test("events that share a transaction are each told with their own customers", async () => {
  const app = await openTestApp(database);
  await app.deliver(customerEvent("customer.created", { id: "ana" }));
  await app.deliver(customerEvent("customer.created", { id: "ben" }));
  const reader = await follow(app);
  // The first keeps the lane busy, so the others come into one transaction.
  await Promise.all([
    app.deliver(customerEvent("customer.created", { id: "first" })),
    app.deliver(bookingEvent({ customer_id: "ana" }, { event_id: "b" })),
    app.deliver(paymentEvent({ customer_id: "ben" }, { event_id: "p" })),
  ]);
  await reader.until(() => reader.events.length === 3);
  const told = Object.fromEntries(reader.events.map(({ id, data }) => [id, data]));
  expect(told.b).toMatchObject({ customer_ids: ["ana"] });
  expect(told.b?.columns).not.toContain("total_payments");
  expect(told.b?.columns).toContain("total_bookings");
  expect(told.p).toMatchObject({ customer_ids: ["ben"] });
  expect(told.p?.columns).not.toContain("total_bookings");
});

test("another organization's changes are not told", async () => {
  const other = await addSalon(database, "M-OTHER");
  const app = await openTestApp(database);
  const [mine, theirs] = [await follow(app), await follow(app, other)];
  await app.deliver(paymentEvent({}, { event_id: "theirs", merchant_id: "M-OTHER" }));
  await theirs.until(() => theirs.events.length === 1);
  await app.deliver(paymentEvent({}, { event_id: "mine" }));
  await mine.until(() => mine.events.length === 1);
  expect(mine.events[0]?.id).toBe("mine");
});

test("of many changes ten are told in a second, and how many more there were", async () => {
  const app = await openTestApp(database);
  const reader = await follow(app);
  await Promise.all(Array.from({ length: 60 }, (_, n) => app.deliver(paymentEvent({ id: `p${n}` }))));
  const counted = () =>
    reader.events.reduce((sum, { event, data }) => sum + (event === "many" ? Number(data.count) : 1), 0);
  await reader.until(() => counted() === 60);
  expect(reader.events.filter(({ event }) => event === "many").length).toBeGreaterThan(0);
});

test("a server that stops ends its streams first, and does not wait for their readers", async () => {
  const app = await openTestApp(database);
  const reader = await follow(app);
  const started = performance.now();
  await app.http.close();
  await reader.until(() => reader.ended);
  // Were the stream an answer to be waited for, it would take eight seconds.
  expect(performance.now() - started).toBeLessThan(6_000);
  expect(app.http.openStreams.size).toBe(0);
});

test("a reader that does not read is dropped, and the others are not", async () => {
  const app = await openTestApp(database);
  const [good, bad] = [await follow(app), await follow(app)];
  const [, stalled] = app.http.openStreams;
  const sink = (stalled as unknown as { send: (news: unknown) => void }).send.bind(stalled);
  const change = { organization_id: salon, event_id: "big", event_type: "t", at: "", columns: [] };
  sink({ changes: [{ ...change, customer_ids: Array.from({ length: 2_000_000 }, () => "x") }] });
  await bad.until(() => bad.ended);
  await app.deliver(paymentEvent());
  await good.until(() => good.events.length === 1);
  expect(app.http.openStreams.size).toBe(1);
});

test("a reader who leaves is forgotten", async () => {
  const app = await openTestApp(database);
  const cut = new AbortController();
  await fetch(`${await addressOf(app)}/api/organizations/${salon}/live`, {
    headers: adminHeaders,
    signal: cut.signal,
  });
  expect(app.http.openStreams.size).toBe(1);
  cut.abort();
  while (app.http.openStreams.size > 0) await wait(5);
});

test("a reader who leaves while the organization is looked up leaves no stream behind", async () => {
  const steps = new EventEmitter();
  const [lookedUp, found] = [once(steps, "looked up"), once(steps, "found")];
  const pool = new Proxy(database.pool, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== "query") return typeof value === "function" ? value.bind(target) : value;
      return async (...statement: unknown[]) => {
        if (JSON.stringify(statement).includes("organization_of_route")) {
          steps.emit("looked up");
          await found;
        }
        return Reflect.apply(value, target, statement);
      };
    },
  });
  const app = await openTestApp({ ...database, pool });
  const base = await addressOf(app);
  const left = new Promise<unknown>((resolve) =>
    app.http.server.once("request", (_, answer) => answer.once("close", () => resolve(true))),
  );
  const cut = new AbortController();
  const url = `${base}/api/organizations/${salon}/live`;
  const asked = fetch(url, { headers: adminHeaders, signal: cut.signal }).catch(() => "gone");
  await lookedUp;
  cut.abort();
  expect(await asked).toBe("gone");
  await left;
  steps.emit("found");
  // The answer to a later reader comes after whatever the first one's lookup leads to.
  await follow(app);
  expect(app.http.openStreams.size).toBe(1);
});

test("a stream needs a key and an organization", async () => {
  const app = await openTestApp(database);
  const live = (id: string) => `/api/organizations/${id}/live`;
  expect((await app.http.inject(live(salon))).statusCode).toBe(401);
  expect((await app.http.inject({ url: live(crypto.randomUUID()), headers: adminHeaders })).statusCode).toBe(
    404,
  );
  expect((await app.http.inject({ url: `${live(salon)}?since=1`, headers: adminHeaders })).statusCode).toBe(
    400,
  );
});
