import { expect, test } from "vitest";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import type { SalonEvent } from "../../src/simulator/salon.js";
import { DAY } from "../../src/simulator/world.js";
import { END, START, serve, turbulentSalon, unfold } from "./ask-square.js";

const SEARCH = "POST /v2/events";
const ascending = { query: { sort: { field: "DEFAULT", order: "ASC" } } };

/** A found event as its webhook was. */
function asWebhook(event: SquareEventJson): SquareEventJson {
  return { ...event, created_at: `${event.created_at}Z` };
}

function byId(events: readonly SquareEventJson[]) {
  return new Map(events.map((event) => [event.event_id, event]));
}

function made(events: readonly SalonEvent[], from: Date, to: Date): SquareEventJson[] {
  return events
    .map(({ event }) => event)
    .filter(({ created_at }) => Date.parse(created_at) >= +from && Date.parse(created_at) < +to);
}

test("finds nothing by default: the search is off", async () => {
  const salon = turbulentSalon(1);
  const { ask } = await serve(salon);
  unfold(salon);
  expect((await ask(SEARCH)).body).toEqual({});
});

test("finds what was made while it was on, as the webhooks told it, but for the zone of its time", async () => {
  const salon = turbulentSalon(1);
  const { ask, every } = await serve(salon);
  const day = (number: number): Date => new Date(END.getTime() - number * DAY);
  unfold(salon, day(20));
  expect((await ask("PUT /v2/events/enable")).body).toEqual({});
  const wanted = [...salon.events(day(10))].map(({ event }) => event);
  expect((await ask("PUT /v2/events/disable")).body).toEqual({});
  unfold(salon);
  const found = await every(SEARCH, "events", { ...ascending, limit: 13 });
  expect(found[0].created_at).toMatch(/\d$/);
  expect(byId(found.map(asWebhook))).toEqual(byId(wanted));
  expect(found).toHaveLength(wanted.length);
});

test("reaches back 28 days, whatever is asked for", async () => {
  const salon = turbulentSalon(1);
  const { every } = await serve(salon, { eventsEnabled: true });
  const events = [...salon.events()];
  const filter = { created_at: { start_at: START.toISOString(), end_at: END.toISOString() } };
  const found = await every(SEARCH, "events", { query: { filter } });
  expect(byId(found.map(asWebhook))).toEqual(byId(made(events, new Date(END.getTime() - 28 * DAY), END)));
  expect(found.length).toBeLessThan(events.length);
});

test("by time, type and location, newest first unless asked otherwise", async () => {
  const salon = turbulentSalon(1, { customers: 30 });
  const { every } = await serve(salon, { eventsEnabled: true });
  const events = [...salon.events()];
  const [from, to] = [new Date(END.getTime() - 9 * DAY), new Date(END.getTime() - 3 * DAY)];
  const created_at = { start_at: from.toISOString(), end_at: to.toISOString() };
  const event_types = ["booking.created", "payment.updated"];
  const [location = ""] = salon.truth.locations.keys();
  const found = await every(SEARCH, "events", {
    query: { filter: { created_at, event_types, location_ids: [location] } },
  });
  const wanted = made(events, from, to).filter(
    ({ type, location_id }) => event_types.includes(type) && location_id === location,
  );
  expect(byId(found.map(asWebhook))).toEqual(byId(wanted));
  expect(found.length).toBeGreaterThan(0);
  const times = (rows: SquareEventJson[]) => rows.map((one) => Date.parse(asWebhook(one).created_at));
  const newest = times(await every(SEARCH, "events"));
  expect(newest).toEqual(newest.toSorted((a, b) => b - a));
  expect(times(await every(SEARCH, "events", ascending))).toEqual(newest.toReversed());
  const others = { query: { filter: { merchant_ids: ["MLOTHER"] } } };
  expect(await every(SEARCH, "events", others)).toEqual([]);
});

test("each event has its line of metadata", async () => {
  const salon = turbulentSalon(1);
  const { ask } = await serve(salon, { eventsEnabled: true });
  unfold(salon);
  const { events, metadata } = (await ask(SEARCH, { limit: 5 })).body;
  expect(events).toHaveLength(5);
  expect(metadata).toEqual(
    events.map(({ event_id }: SquareEventJson) => ({ event_id, api_version: expect.any(String) })),
  );
});

test.each([401, 403] as const)("a token of OAuth may not search: %s", async (oauthEventsStatus) => {
  const { ask } = await serve(turbulentSalon(1), { merchant: { oauth: true }, oauthEventsStatus });
  expect(await ask(SEARCH)).toMatchObject({
    status: oauthEventsStatus,
    body: { errors: [{ category: "AUTHENTICATION_ERROR" }] },
  });
  expect((await ask("GET /v2/merchants/me")).status).toBe(200);
});

test("the types of events", async () => {
  const { ask } = await serve(turbulentSalon(1));
  const { event_types, metadata } = (await ask("GET /v2/events/types")).body;
  expect(event_types).toContain("booking.updated");
  expect(metadata.map(({ event_type }: { event_type: string }) => event_type)).toEqual(event_types);
});
