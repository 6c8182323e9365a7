/** Requests and events of one organization may hold ids of another. They read and change nothing of the other. */
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { addSalon, adminHeaders, openTestApp, type TestApp } from "../../support/app.js";
import { emptyDatabase, openTestDatabase } from "../../support/database.js";
import {
  bookingEvent,
  customerEvent,
  type EventJson,
  mergeEvents,
  paymentEvent,
  refundEvent,
} from "../../support/events.js";
import { storedEvents, tablesOf } from "../../support/tables.js";

const database = await openTestDatabase();
const OTHERS = "MLTESTOTHER";
/** A mark in every text of the other organization. */
const MARK = "belongs-to-the-other";
let ours: string;
let theirs: string;
let app: TestApp;
/** The other organization's events, at least one of each kind of object. */
let theirEvents: readonly EventJson[];

beforeEach(async () => {
  await emptyDatabase(database);
  ours = await addSalon(database);
  theirs = await addSalon(database, OTHERS);
  app = await openTestApp(database);
  theirEvents = everyKind(MARK).map((event) => ({ ...event, merchant_id: OTHERS }));
  for (const event of theirEvents) await deliver(event);
  const customer = `customer ${MARK}`;
  await put(theirs, `referrals/${customer}`, { referral_code: MARK });
  await put(theirs, `referral-rewards/reward ${MARK}`, bodies["/referral-rewards/"]);
});

/** Bodies of PUT requests, by a part of the address. They may hold the other organization's ids. */
const bodies: Readonly<Record<string, object>> = {
  "/referrals/": { referral_code: "ours" },
  "/referral-rewards/": {
    referrer_customer_id: `customer ${MARK}`,
    referred_customer_id: `survivor ${MARK}`,
    status: "PAID",
    reward_cents: 500,
  },
};

async function put(organizationId: string, path: string, payload: object | undefined): Promise<void> {
  const url = `/api/organizations/${organizationId}/${encodeURI(path)}`;
  const { statusCode } = await app.http.inject({
    method: "PUT",
    url,
    headers: adminHeaders,
    ...(payload && { payload }),
  });
  expect(statusCode).toBe(201);
}

/** A customer with a booking, a payment and a refund, and a merge of two others. All ids hold `mark`. */
function everyKind(mark: string, note = mark): EventJson[] {
  const customer_id = `customer ${mark}`;
  return [
    customerEvent("customer.created", { id: customer_id, given_name: note, email_address: note }),
    bookingEvent({
      id: `booking ${mark}`,
      customer_id,
      customer_note: note,
      location_id: `location ${mark}`,
    }),
    paymentEvent({ id: `payment ${mark}`, customer_id, location_id: `location ${mark}` }),
    refundEvent({ id: `refund ${mark}`, payment_id: `payment ${mark}` }),
    ...mergeEvents([`merged ${mark}`], `survivor ${mark}`, "2026-05-01T10:00:00Z"),
  ];
}

async function deliver(event: EventJson): Promise<string> {
  const answer = await app.deliver(event);
  expect(answer.status).toBe(200);
  return answer.json.status;
}

/** Values of path parameters, all of the other organization. A new parameter is added here. */
const theirIds: Readonly<Record<string, () => readonly string[]>> = {
  squareCustomerId: () => [`customer ${MARK}`, `merged ${MARK}`, `survivor ${MARK}`, "nobody"],
  column: () => ["total_visits", "booking_notes", "given_name", "is_overdue", "total_refunds", "no_column"],
  eventId: () => theirEvents.map(({ event_id }) => event_id),
  rewardId: () => [`reward ${MARK}`],
};

/** Query parameters that name something of an organization. */
const query = () =>
  new URLSearchParams({
    q: MARK,
    location_id: `location ${MARK}`,
    cursor: Buffer.from(JSON.stringify([`customer ${MARK}`])).toString("base64url"),
    customer_id: `customer ${MARK}`,
    organization_id: theirs,
    from: "2026-01-01",
    to: "2026-12-31",
  });

/** Every address of a route for our organization, with each of the other's ids. */
function addressesOf(url: string): string[] {
  const [, name] = /:(?!organizationId)(\w+)/.exec(url) ?? [];
  if (name === undefined) return [url.replace(":organizationId", ours)];
  const ids = theirIds[name];
  if (!ids) throw new Error(`Say in theirIds what :${name} of ${url} may be given.`);
  return ids().flatMap((id) => addressesOf(url.replace(`:${name}`, encodeURIComponent(id))));
}

test("no route of one organization reads or changes anything of another's, whatever ids it is given", async () => {
  // A stream does not end by itself, so the test ends it.
  const ending = setInterval(() => app.http.openStreams.forEach((stream) => void stream.end()), 20);
  onTestFinished(() => clearInterval(ending));
  const before = await tablesOf(database, theirs);
  const events = await storedEvents(database);
  const routes = app.routes.filter(({ url }) => url.includes(":organizationId"));
  expect(routes.length).toBeGreaterThanOrEqual(3);
  // PUT stores their ids in our organization, so it comes last.
  const putLast = routes.toSorted(
    (one, other) => Number(one.method === "PUT") - Number(other.method === "PUT"),
  );
  for (const { method, url } of putLast) {
    const [, payload] = Object.entries(bodies).find(([part]) => method === "PUT" && url.includes(part)) ?? [];
    if (method === "PUT" && !payload) throw new Error(`Say in bodies what is put at ${url}.`);
    for (const address of addressesOf(url)) {
      for (const search of ["", `?${query()}`]) {
        const answer = await app.http.inject({
          method: method as "GET",
          url: address + search,
          headers: adminHeaders,
          ...(payload && { payload }),
        });
        const asked = `${method} ${address}${search}`;
        expect(answer.statusCode, asked).toBeLessThan(500);
        // The answer to a PUT repeats the ids of the request.
        const told = payload
          ? answer.body.replaceAll(/(customer|merged|survivor|reward) belongs-to-the-other/g, "")
          : answer.body;
        expect(told.replaceAll(MARK, ""), asked).toBe(told);
      }
    }
  }
  expect(await tablesOf(database, theirs)).toEqual(before);
  expect(await storedEvents(database)).toEqual(events);
});

test("no event of one merchant changes anything of another's, even if it names the other's ids", async () => {
  const before = await tablesOf(database, theirs);
  const aimed = [
    ...everyKind(MARK, "ours"),
    bookingEvent({ id: `booking ${MARK}`, version: 99, customer_id: "ours", status: "CANCELLED_BY_SELLER" }),
    customerEvent("customer.deleted", { id: `customer ${MARK}`, version: 99 }),
    ...mergeEvents([`customer ${MARK}`, `survivor ${MARK}`], "ours", "2026-05-02T10:00:00Z"),
    customerEvent("customer.updated", {
      id: `merged ${MARK}`,
      version: 99,
      creation_source: "UNMERGE_RECOVERY",
    }),
    { ...paymentEvent({ id: "ours" }), event_id: theirEvents[0]?.event_id ?? "" },
  ];
  const outcomes: string[] = [];
  for (const event of aimed) outcomes.push(await deliver(event));
  // The other merchant's event id makes no duplicate here.
  expect(outcomes).not.toContain("duplicate");
  expect(await tablesOf(database, theirs)).toEqual(before);
  expect((await tablesOf(database, ours)).bookings).toMatchObject([{ customer_id: "ours" }]);
});

test("every route tells two organizations with the same ids apart", async () => {
  for (const event of everyKind(MARK, "ours")) await deliver(event);
  await deliver(paymentEvent({ id: "one more", customer_id: `customer ${MARK}`, cents: 77 }));
  const read = async (organizationId: string) => {
    const url = `/api/organizations/${organizationId}/customers/${encodeURIComponent(`customer ${MARK}`)}`;
    const answer = await app.http.inject({ url, headers: adminHeaders });
    return answer.json();
  };
  expect(await read(ours)).toMatchObject({
    customer: { given_name: "ours", total_payments: 2 },
    bookings: [{ customer_note: "ours" }],
  });
  expect(await read(theirs)).toMatchObject({
    customer: { given_name: MARK, total_payments: 1 },
    bookings: [{ customer_note: MARK }],
  });
});
