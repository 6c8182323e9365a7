import { beforeEach, describe, expect, test } from "vitest";
import { MAX_BODY_BYTES } from "../../src/http/body-reader.js";
import { Random } from "../../src/simulator/random.js";
import { addSalon, type Headers, NOW, openTestApp, SIGNATURE_KEY, signed } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bodyOf, bookingEvent, paymentEvent, squareEvent } from "../support/events.js";
import { storedEvents, tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

describe.each(["inject", "send"] as const)("the door, by %s", (way) => {
  async function open(options?: Parameters<typeof openTestApp>[1]) {
    const app = await openTestApp(database, options);
    return {
      ...app,
      post: app[way],
      deliver: (event: unknown) => app[way](bodyOf(event), signed(bodyOf(event))),
    };
  }

  test("a payment moves exactly one row and says processed; again duplicate; one byte changed 401", async () => {
    const { deliver, post } = await open();
    for (const customer of ["ana", "ben"]) {
      await deliver(paymentEvent({ id: `first of ${customer}`, customer_id: customer }));
    }
    const before = await tablesOf(database, salon);
    const event = paymentEvent({ cents: 7000 });
    const answer = await deliver(event);
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.json).toEqual({ received: true, event_id: event.event_id, status: "processed" });
    const after = await tablesOf(database, salon);
    expect(after).toEqual({
      ...before,
      payments: [...(before.payments ?? []), expect.objectContaining({ payment_id: "payment-1" })],
      customer_analytics: before.customer_analytics?.map((row) =>
        row.square_customer_id === "ana" ? { ...row, ...changedByPaying7000 } : row,
      ),
    });

    expect((await deliver(event)).json).toEqual({
      received: true,
      event_id: event.event_id,
      status: "duplicate",
    });
    const body = bodyOf(event);
    const changed = body.replace("7000", "7001");
    expect((await post(changed, signed(body))).status).toBe(401);
    expect(await tablesOf(database, salon)).toEqual(after);
    expect(await storedEvents(database)).toHaveLength(3);
  });

  test("an older object is stale and changes nothing", async () => {
    const { deliver } = await open();
    await deliver(bookingEvent({ version: 2 }));
    const before = await tablesOf(database, salon);
    const older = bookingEvent({ version: 1, customer_id: "ben", status: "CANCELLED_BY_SELLER" });
    expect((await deliver(older)).json).toMatchObject({ status: "stale" });
    expect(await tablesOf(database, salon)).toEqual(before);
  });

  test("an unknown type and an unknown merchant are stored, ignored and answered 200", async () => {
    const { deliver } = await open();
    const strange = squareEvent("salon.robot.dispatched", { anything: [1] });
    const foreign = paymentEvent({}, { merchant_id: "MLNOBODY" });
    const before = await tablesOf(database, salon);
    for (const event of [strange, foreign]) {
      const answer = await deliver(event);
      expect([answer.status, answer.json.status]).toEqual([200, "ignored"]);
    }
    expect(await tablesOf(database, salon)).toEqual(before);
    expect(
      (await storedEvents(database)).map((row) => [row.event_id, row.status, row.organization_id]),
    ).toEqual(
      expect.arrayContaining([
        [strange.event_id, "ignored", salon],
        [foreign.event_id, "ignored", "00000000-0000-0000-0000-000000000000"],
      ]),
    );
  });

  test("a known type whose payload breaks the schema is dead, with the reason and without its values", async () => {
    const { deliver } = await open();
    const answer = await deliver(bookingEvent({ start_at: "Ana at noon" }));
    expect([answer.status, answer.json.status]).toEqual([200, "dead"]);
    const [stored] = await storedEvents(database);
    expect(stored).toMatchObject({ status: "dead", attempts: 1, next_attempt_at: null, processed_at: NOW });
    expect(stored?.last_error).toContain("booking.start_at");
    expect(stored?.last_error).not.toContain("Ana");
  });

  test("a handler that fails leaves the event stored and deferred, with 200", async () => {
    const { deliver } = await open({
      inbox: {
        findHandler: () => ({
          eventTypes: [],
          interpret: () => {
            throw new TypeError("Ana Mayer is unexpected");
          },
        }),
      },
    });
    const answer = await deliver(paymentEvent());
    expect([answer.status, answer.json.status]).toEqual([200, "deferred"]);
    expect(await storedEvents(database)).toMatchObject([
      { status: "deferred", attempts: 1, last_error: "TypeError", processed_at: null },
    ]);
  });

  test("whoever cannot sign is refused, and nothing is stored", async () => {
    const { post } = await open();
    const body = bodyOf(paymentEvent());
    const signature = String(signed(body)["x-square-hmacsha256-signature"]);
    const forgeries: Record<string, Headers> = {
      missing: {},
      empty: { "x-square-hmacsha256-signature": "" },
      "of another key": signed(body, "another key"),
      "of an empty key": signed(body, ""),
      "upper case": { "x-square-hmacsha256-signature": signature.toUpperCase() },
      "lower case": { "x-square-hmacsha256-signature": signature.toLowerCase() },
      truncated: { "x-square-hmacsha256-signature": signature.slice(0, -1) },
      "one byte more": { "x-square-hmacsha256-signature": `${signature}=` },
      "sent twice": { "x-square-hmacsha256-signature": [signature, signature] },
      "in the header of the past": { "x-square-signature": signature },
      "of another body": signed(`${body} `),
    };
    for (const [forgery, headers] of Object.entries(forgeries)) {
      const answer = await post(body, headers);
      expect([forgery, answer.status, answer.json.code]).toEqual([forgery, 401, "invalid_signature"]);
      expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    }
    expect(await storedEvents(database)).toEqual([]);
  });

  test("while keys rotate, a signature of any of them is taken, and of no other", async () => {
    const { post } = await open({ signatureKeys: ["new key", SIGNATURE_KEY] });
    const statuses = [];
    for (const key of ["new key", SIGNATURE_KEY, "new key,"]) {
      const body = bodyOf(paymentEvent());
      statuses.push((await post(body, signed(body, key))).status);
    }
    expect(statuses).toEqual([200, 200, 401]);
  });

  test("a body of 1 MiB is read, one byte more is 413", async () => {
    const { post } = await open();
    const bodyOfSize = (size: number) => {
      const empty = bodyOf(squareEvent("salon.robot.dispatched", { filler: "" }));
      return empty.replace('"filler":""', `"filler":"${"x".repeat(size - empty.length)}"`);
    };
    const largest = bodyOfSize(MAX_BODY_BYTES);
    expect((await post(largest, signed(largest))).json.status).toBe("ignored");
    const nonsense = "x".repeat(MAX_BODY_BYTES);
    expect((await post(nonsense, signed(nonsense))).json).toMatchObject({
      status: 400,
      code: "json_invalid_json",
    });
    const tooLarge = bodyOfSize(MAX_BODY_BYTES + 1);
    for (const framing of [{}, { "transfer-encoding": "chunked" }] as Headers[]) {
      const answer = await post(tooLarge, { ...signed(tooLarge), ...framing });
      expect([answer.status, answer.json.code]).toEqual([413, "body_too_large"]);
    }
    expect(await storedEvents(database)).toHaveLength(1);
  });

  test("other media types are 415, with or without a signature", async () => {
    const { post } = await open();
    const body = bodyOf(paymentEvent());
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "text/json", "nonsense", ""]) {
      const answer = await post(body, { ...signed(body), "content-type": type });
      expect([type, answer.status, answer.json.code]).toEqual([type, 415, "unsupported_media_type"]);
    }
    for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON"]) {
      expect((await post(body, { ...signed(body), "content-type": type })).status).toBe(200);
    }
  });

  test("signed bytes that are no event are 400, with a code that says why", async () => {
    const { post } = await open();
    const event = bodyOf(paymentEvent());
    const bodies: [body: string | Buffer, code: string][] = [
      ["", "json_invalid_json"],
      ["hello", "json_invalid_json"],
      [event.slice(0, -1), "json_invalid_json"],
      [`\uFEFF${event}`, "json_byte_order_mark"],
      [Buffer.from(event.replace("harbor", "h\xe9rbor"), "latin1"), "json_invalid_utf8"],
      ["[".repeat(100), "json_too_deep"],
      ["null", "invalid_envelope"],
      ["[]", "invalid_envelope"],
      [event.replace('"event_id"', '"no_id"'), "invalid_envelope"],
      [bodyOf({ ...paymentEvent(), event_id: 7 }), "invalid_envelope"],
      [bodyOf({ ...paymentEvent(), merchant_id: "" }), "invalid_envelope"],
      [bodyOf({ ...paymentEvent(), type: "x".repeat(256) }), "invalid_envelope"],
    ];
    for (const [body, code] of bodies) {
      const answer = await post(body, signed(body));
      expect([answer.status, answer.json]).toEqual([
        400,
        { type: "about:blank", title: "Bad Request", status: 400, code, detail: expect.any(String) },
      ]);
    }
    expect(await storedEvents(database)).toEqual([]);
  });

  test("what Square may add tomorrow passes: unknown fields, unknown values", async () => {
    const { deliver } = await open();
    const booking = bookingEvent(
      { status: "TELEPORTED", hologram: { on: true }, source: "MARS" },
      { extra: 1 },
    );
    expect((await deliver(booking)).json.status).toBe("processed");
    expect((await tablesOf(database, salon)).bookings).toMatchObject([
      { status: "TELEPORTED", source: "MARS", raw: { hologram: { on: true } } },
    ]);
  });

  test("what Postgres cannot store in a text becomes U+FFFD", async () => {
    const { post } = await open();
    const body = bodyOf(bookingEvent({ customer_note: "NUL" })).replace('"NUL"', '"a\\u0000b \\ud800"');
    expect((await post(body, signed(body))).json.status).toBe("processed");
    expect((await tablesOf(database, salon)).bookings).toMatchObject([{ customer_note: "a\uFFFDb \uFFFD" }]);
  });
});

const changedByPaying7000 = {
  total_payments: 2,
  total_revenue_cents: 12_000,
  gross_revenue_cents: 12_000,
  net_revenue_cents: 12_000,
  avg_ticket_cents: 6_000,
  max_ticket_cents: 7_000,
  // Of two payments of one instant, the one with the greater id is the last.
  last_payment_cents: 7_000,
  revenue_last_30d_cents: 12_000,
  revenue_last_90d_cents: 12_000,
  revenue_last_365d_cents: 12_000,
};

test("a customer, a location and a technician with the longest ids of the longest characters fit into every index", async () => {
  const app = await openTestApp(database);
  const random = new Random("longest ids");
  // Characters that three bytes write, and that nothing compresses.
  const id = () =>
    Array.from({ length: 255 }, () => String.fromCharCode(random.int(0x4e00, 0x9fa5))).join("");
  const ids = { customer_id: id(), location_id: id() };
  const appointment_segments = [{ team_member_id: id(), service_variation_id: id(), duration_minutes: 45 }];
  const booking = bookingEvent({ id: id(), ...ids, appointment_segments });
  const payment = paymentEvent({ id: id(), ...ids });
  for (const event of [booking, payment]) {
    const body = bodyOf({ ...event, event_id: `event of ${event.type}` });
    expect((await app.inject(body, signed(body))).json).toMatchObject({ status: "processed" });
  }
  expect((await tablesOf(database, salon)).customer_analytics).toEqual([
    expect.objectContaining({
      square_customer_id: ids.customer_id,
      preferred_location_id: ids.location_id,
      preferred_technician_id: appointment_segments[0]?.team_member_id,
      total_revenue_cents: 5_000,
    }),
  ]);
});
