import { beforeEach, expect, test } from "vitest";
import { NIL_ORGANIZATION } from "../../src/database/nil-organization.js";
import { addSalon, adminHeaders, openSalonApp, openTestApp, type TestApp } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { bookingEvent, MERCHANT, paymentEvent } from "../support/events.js";
import { storedEvents } from "../support/tables.js";

const database = await openTestDatabase();
let app: TestApp;
let salon: string;

beforeEach(async () => {
  ({ app, salon } = await openSalonApp(database));
});

const get = async (url: string) => (await app.http.inject({ url, headers: adminHeaders })).json();
const post = async (url: string, payload?: object) =>
  (await app.http.inject({ method: "POST", url, headers: adminHeaders, ...(payload && { payload }) })).json();

/** Takes `count` bookings in that no handler knows yet: they are stored as ignored. */
async function addIgnored(count: number): Promise<void> {
  const early = await openTestApp(database, { inbox: { findHandler: () => undefined } });
  for (let n = 0; n < count; n += 1) {
    early.clock.advance(n % 3 === 0 ? 0 : 60_000);
    const answer = await early.deliver(
      bookingEvent({ id: `b${n}`, customer_id: `c${n}` }, { event_id: `e${n}` }),
    );
    expect(answer.json.status).toBe("ignored");
  }
}

async function walk(query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page = await get(`/admin/events?${query}${cursor && `&cursor=${cursor}`}`);
    ids.push(...page.events.map(({ event_id }: { event_id: string }) => event_id));
    cursor = page.next_cursor;
  }
  return ids;
}

test("all pages hold each event once, the newest first, whatever is filtered", async () => {
  await addIgnored(8);
  await app.deliver(paymentEvent({}, { event_id: "paid" }));
  const { rows } = await database.pool.query<{ event_id: string }>(
    "select event_id from webhook_events order by received_at desc, event_id desc",
  );
  const all = rows.map(({ event_id }) => event_id);
  const ignored = all.filter((id) => id !== "paid");
  expect(await walk("limit=2")).toEqual(all);
  expect(await walk(`limit=3&organization_id=${salon}`)).toEqual(all);
  expect(await walk("limit=2&status=ignored,dead")).toEqual(ignored);
  expect(await walk("limit=3&type=booking.updated")).toEqual(ignored);
  expect(await walk("status=processed&type=payment.updated")).toEqual(["paid"]);
  expect(await walk("status=dead")).toEqual([]);
  expect(await walk(`organization_id=${NIL_ORGANIZATION}`)).toEqual([]);
});

test("the payload is told of one event and of no list", async () => {
  const event = bookingEvent({ customer_note: "allergic to lavender" }, { event_id: "with/slash" });
  await app.deliver(event);
  const list = await app.http.inject({ url: "/admin/events", headers: adminHeaders });
  expect(list.body).not.toContain("lavender");
  expect(list.json().events[0]).toMatchObject({
    organization_id: salon,
    event_id: "with/slash",
    merchant_id: MERCHANT,
    event_type: "booking.updated",
    status: "processed",
    attempts: 1,
    source: "webhook",
    last_error: null,
    reason: null,
  });
  const one = await get(`/admin/events/${salon}/${encodeURIComponent("with/slash")}`);
  expect(one).toEqual({ ...list.json().events[0], payload: event });
});

test("one event is processed again, and its effect is there", async () => {
  await addIgnored(1);
  const row = `/api/organizations/${salon}/customers/c0`;
  expect((await get(row)).code).toBe("customer_not_found");
  expect(await post(`/admin/events/${salon}/e0/replay`)).toEqual({ status: "processed" });
  expect((await get(row)).customer.total_bookings).toBe(1);
  expect((await get(`/admin/events/${salon}/e0`)).status).toBe("processed");
});

test("dead events are grouped by their reason, and a group is processed again without touching others", async () => {
  for (const id of ["a", "b"]) {
    const segments = Array.from({ length: id === "a" ? 1 : 4 }, () => ({ duration_minutes: 5 }));
    segments[segments.length - 1] = { duration_minutes: "long" } as never;
    await app.deliver(bookingEvent({ appointment_segments: segments }, { event_id: id }));
  }
  await app.deliver(bookingEvent({ start_at: "never" }, { event_id: "c" }));
  await addIgnored(2);
  const { inbox, verdict } = await get("/admin/jobs/status");
  expect(inbox.dead_by_reason.map(({ events }: { events: number }) => events)).toEqual([2, 1]);
  const [{ reason, event_type }] = inbox.dead_by_reason;
  expect(reason).toContain("appointment_segments.*.duration_minutes");
  expect(verdict.level).toBe("error");
  expect(verdict.text).toContain("3 dead event(s)");
  expect(await walk(`status=dead&reason=${encodeURIComponent(reason)}`)).toHaveLength(2);

  const again = await post("/admin/events/replay", { status: "dead", type: event_type, reason });
  expect(again).toEqual({ replayed: 2, by_status: { dead: 2 }, next_cursor: null });
  expect(await post("/admin/events/replay", { status: "ignored" })).toEqual({
    replayed: 2,
    by_status: { processed: 2 },
    next_cursor: null,
  });
  expect((await storedEvents(database)).map(({ status }) => status).sort()).toEqual([
    "dead",
    "dead",
    "dead",
    "processed",
    "processed",
  ]);
});

test("a group of more than one transaction holds is processed to its end", async () => {
  await addIgnored(150);
  expect(await post("/admin/events/replay", { status: "ignored" })).toMatchObject({
    replayed: 150,
    by_status: { processed: 150 },
  });
});

test("what came for an unknown merchant is processed once the merchant is known", async () => {
  await app.deliver(bookingEvent({}, { event_id: "early", merchant_id: "M-LATER" }));
  const later = await addSalon(database, "M-LATER");
  expect(await walk(`organization_id=${NIL_ORGANIZATION}`)).toEqual(["early"]);
  expect(await post("/admin/events/replay", { status: "ignored" })).toMatchObject({
    by_status: { processed: 1 },
  });
  expect(await walk(`organization_id=${later}`)).toEqual(["early"]);
});

test.each([
  ["?status=lost", "status"],
  ["?limit=201", "limit"],
  ["?state=dead", "state"],
  ["?organization_id=7", "organization_id"],
  ["?type=", "type"],
])("/admin/events%s is refused and names %s", async (query, parameter) => {
  expect(await get(`/admin/events${query}`)).toMatchObject({
    status: 400,
    code: "invalid_request",
    parameter,
  });
});

test("a cursor of other filters, or one that was changed, is refused", async () => {
  await addIgnored(3);
  const { next_cursor } = await get("/admin/events?limit=1");
  for (const query of [
    `status=ignored&cursor=${next_cursor}`,
    `cursor=A${next_cursor}`,
    "cursor=e30",
    "cursor=",
  ]) {
    expect(await get(`/admin/events?limit=1&${query}`), query).toMatchObject({
      status: 400,
      code: "invalid_cursor",
      parameter: "cursor",
    });
  }
});

test("an event whose payload was removed is not replayed, and the description says so", async () => {
  await app.deliver(paymentEvent({}, { event_id: "old" }));
  await database.pool.query("update webhook_events set payload = null");
  expect(await post(`/admin/events/${salon}/old/replay`)).toMatchObject({
    status: 409,
    title: "Conflict",
    code: "payload_removed",
  });
  const { paths } = (await app.http.inject("/openapi.json")).json();
  expect(paths["/admin/events/{organizationId}/{eventId}/replay"].post.responses).toHaveProperty("409");
});

test("an event or an organization that does not exist answers 404, and an unknown status 400", async () => {
  expect(await get(`/admin/events/${salon}/nothing`)).toMatchObject({ status: 404, code: "event_not_found" });
  expect(await post(`/admin/events/${salon}/nothing/replay`)).toMatchObject({ code: "event_not_found" });
  expect(await get(`/admin/events?organization_id=${crypto.randomUUID()}`)).toMatchObject({ status: 404 });
  expect(await post("/admin/events/replay", { status: "duplicate" })).toMatchObject({ parameter: "status" });
  expect(await post("/admin/events/replay", {})).toMatchObject({ parameter: "status" });
});
