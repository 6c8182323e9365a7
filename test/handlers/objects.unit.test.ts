import { describe, expect, it } from "vitest";
import { factsOfBooking } from "../../handlers/booking.js";
import { factsOfProfile } from "../../handlers/customer.js";
import { locationOf } from "../../handlers/location.js";
import { factsOfPayment } from "../../handlers/payment.js";
import { factsOfRefund } from "../../handlers/refund.js";
import { factsOfTeamMember } from "../../handlers/team-member.js";
import type { Fact, FactOf, Facts } from "../../src/facts/types.js";
import { parseEventContext } from "../../src/square/schemas/customer.js";
import { InvalidPayload } from "../../src/square/schemas/fields.js";

/** The value of the only fact, which is of this kind. */
function only<Kind extends keyof Facts>(kind: Kind, facts: readonly Fact[]): Facts[Kind] {
  expect(facts.map((fact) => fact.kind)).toEqual([kind]);
  return (facts[0] as FactOf<Kind>).value;
}
const bookingOf = (object: unknown, versionedId?: string | null) =>
  only("booking", factsOfBooking(object, versionedId));
const paymentOf = (object: unknown) => only("payment", factsOfPayment(object));
const refundOf = (object: unknown) => only("refund", factsOfRefund(object));
const customerOf = (object: unknown) => only("customer", factsOfProfile(object));

const NOW = "2026-03-08T09:30:00Z";
const INT64_MAX = 9223372036854775807n;

const booking = {
  id: "BOOKING",
  version: 1,
  status: "ACCEPTED",
  start_at: NOW,
  created_at: NOW,
  updated_at: NOW,
  appointment_segments: [{ duration_minutes: 30 }],
};
const usd = (amount: unknown) => ({ amount, currency: "USD" });
const payment = {
  id: "PAYMENT",
  status: "COMPLETED",
  amount_money: usd(6500),
  created_at: NOW,
  updated_at: NOW,
};
const refund = { id: "REFUND", status: "PENDING", amount_money: usd(500), created_at: NOW, updated_at: NOW };
const customer = { id: "CUSTOMER", version: 2 };
const teamMember = { id: "MEMBER", status: "ACTIVE" };

describe("what no row can be without is a break", () => {
  it.each([
    ["booking", bookingOf, booking, ["id", "status", "start_at", "created_at", "updated_at"]],
    ["payment", paymentOf, payment, ["id", "status", "created_at", "updated_at"]],
    ["refund", refundOf, refund, ["id", "status", "created_at", "updated_at"]],
    ["customer", customerOf, customer, ["id"]],
    ["team_member", factsOfTeamMember, teamMember, ["id", "status"]],
    ["location", locationOf, { id: "L", status: "ACTIVE" }, ["id", "status"]],
  ] as const)("in a %s", (root, parse, object, required) => {
    expect(() => parse(object as never)).not.toThrow();
    for (const key of required) {
      expect(() => parse({ ...object, [key]: undefined })).toThrow(`${root}.${key}: `);
      expect(() => parse({ ...object, [key]: null })).toThrow(InvalidPayload);
      expect(() => parse({ ...object, [key]: "" })).toThrow(InvalidPayload);
    }
    for (const nothing of [undefined, null, [], "text", 5])
      expect(() => parse(nothing)).toThrow(InvalidPayload);
  });

  it("and every break is named at once, without the values", () => {
    const broken = { ...booking, status: 5, start_at: "a@example.com", customer_note: ["a@example.com"] };
    expect(() => bookingOf(broken)).toThrow(/booking\.status.*booking\.start_at.*booking\.customer_note/);
    expect(() => bookingOf(broken)).not.toThrow(/example\.com/);
  });
});

describe("what Square leaves out, empties or adds is taken", () => {
  it("missing and empty are both null", () => {
    const { raw: _, ...facts } = bookingOf({
      ...booking,
      customer_id: "",
      customer_note: "",
      appointment_segments: null,
      creator_details: {},
    });
    expect(facts).toMatchObject({
      reported_customer_id: null,
      location_id: null,
      customer_note: null,
      seller_note: null,
      creator_type: null,
      source: null,
      duration_minutes: 0,
      segments: [],
    });
  });

  it("unknown keys stay in raw, unknown enum values stay as they are", () => {
    const object = { ...booking, status: "WAITLISTED", future_key: { a: 1 } };
    expect(bookingOf(object)).toMatchObject({ status: "WAITLISTED" });
    expect(bookingOf(object).raw).toBe(object);
  });

  it("ids over 255 characters would not be indexable and are refused", () => {
    expect(() => paymentOf({ ...payment, customer_id: "x".repeat(256) })).toThrow("payment.customer_id: ");
  });
});

describe("a booking", () => {
  it.each([
    [2, "BOOKING:7", 2],
    [undefined, "BOOKING:7", 7],
    [null, "BOOKING:0", 0],
    [undefined, "BOOKING", 0],
    [undefined, "BOOKING:latest", 0],
    [undefined, "BOOKING:99999999999", 0],
    [undefined, "BOOKING:9999999999", 0],
    [undefined, null, 0],
  ])("of version %j in an event about %j has version %i", (version, versionedId, expected) => {
    expect(bookingOf({ ...booking, version }, versionedId).version).toBe(expected);
  });

  it.each([-1, 1.5, 2 ** 31, "1", 12345678901234567890n])("cannot have version %s", (version) => {
    expect(() => bookingOf({ ...booking, version })).toThrow("booking.version: expected an integer");
  });

  it("lasts as long as its segments together", () => {
    const segments = [{ duration_minutes: 45 }, { duration_minutes: null }, {}, { duration_minutes: 30 }];
    const { duration_minutes, segments: rows } = bookingOf({ ...booking, appointment_segments: segments });
    expect(duration_minutes).toBe(75);
    expect(rows.map((row) => [row.segment_index, row.duration_minutes])).toEqual([
      [0, 45],
      [1, 0],
      [2, 0],
      [3, 30],
    ]);
  });

  it("that lasts longer than its column holds lasts as long as that", () => {
    const longest = { duration_minutes: 2 ** 31 - 1 };
    expect(bookingOf({ ...booking, appointment_segments: [longest] }).duration_minutes).toBe(2147483647);
    expect(bookingOf({ ...booking, appointment_segments: [longest, longest] }).duration_minutes).toBe(
      2147483647,
    );
  });

  it.each(["CANCELLED_BY_CUSTOMER", "CANCELLED_BY_SELLER", "DECLINED", "NO_SHOW"])(
    "%s stands over ACCEPTED at the same version and instant",
    (status) => {
      expect(bookingOf({ ...booking, status }).order_key > bookingOf(booking).order_key).toBe(true);
    },
  );
});

describe("money", () => {
  const amountOf = (amount: unknown) => paymentOf({ ...payment, amount_money: usd(amount) }).amount_cents;

  it("is exact from the smallest to the largest amount of 64 bits", () => {
    expect(amountOf(0)).toBe(0n);
    expect(amountOf(6500n)).toBe(6500n);
    expect(amountOf(9007199254740993n)).toBe(9007199254740993n);
    expect(amountOf(INT64_MAX)).toBe(INT64_MAX);
    expect(amountOf(-INT64_MAX - 1n)).toBe(-INT64_MAX - 1n);
  });

  it.each(["6500", 65.5, 2 ** 53, Number.NaN, true, {}, INT64_MAX + 1n])("cannot be %s", (amount) => {
    expect(() => amountOf(amount)).toThrow("payment.amount_money.amount: expected an integer");
  });

  it("has its currency from whichever money names one, and needs one", () => {
    expect(paymentOf({ ...payment, amount_money: { amount: 1 }, total_money: usd(1) }).currency).toBe("USD");
    const nameless = { amount_money: { amount: 1 } };
    expect(() => paymentOf({ ...payment, ...nameless })).toThrow("payment.amount_money.currency: ");
    expect(() => refundOf({ ...refund, ...nameless })).toThrow("refund.amount_money.currency: ");
  });

  const nothing = { currency: "USD" };
  it.each([
    ["an amount", { amount_money: usd(65) }, [65n, 0n, 65n]],
    ["an amount and a tip", { amount_money: usd(65), tip_money: usd(13) }, [65n, 13n, 78n]],
    ["all", { amount_money: usd(65), tip_money: usd(13), total_money: usd(79) }, [65n, 13n, 79n]],
    ["a total and a tip", { amount_money: null, tip_money: usd(13), total_money: usd(78) }, [65n, 13n, 78n]],
    ["a total", { amount_money: null, total_money: usd(78) }, [78n, 0n, 78n]],
    ["a tip", { amount_money: null, tip_money: usd(13) }, [0n, 13n, 13n]],
    ["money without amounts", { amount_money: nothing, tip_money: nothing }, [0n, 0n, 0n]],
    ["an empty amount beside a total", { amount_money: nothing, total_money: usd(78) }, [0n, 0n, 78n]],
  ])("of a payment with %s is amount, tip and total", (_, moneys, expected) => {
    const { amount_cents, tip_cents, total_cents } = paymentOf({ ...payment, ...moneys });
    expect([amount_cents, tip_cents, total_cents]).toEqual(expected);
  });

  it("of a refund without an amount is nothing", () => {
    expect(refundOf({ ...refund, amount_money: nothing }).amount_cents).toBe(0n);
  });

  it("beyond 64 bits is the most that they hold", () => {
    expect(paymentOf({ ...payment, amount_money: usd(INT64_MAX), tip_money: usd(1) }).total_cents).toBe(
      INT64_MAX,
    );
  });

  it("of fees is summed with its sign", () => {
    const processing_fee = [{ amount_money: usd(219) }, { amount_money: usd(-19) }, { type: "ADJUSTMENT" }];
    expect(paymentOf({ ...payment, processing_fee }).processing_fee_cents).toBe(200n);
  });

  it("refunded decides between two copies of one instant", () => {
    const partly = paymentOf({ ...payment, refunded_money: usd(500) });
    const fully = paymentOf({ ...payment, refunded_money: usd(6500) });
    expect(fully.order_key > partly.order_key).toBe(true);
    expect(partly.order_key > paymentOf(payment).order_key).toBe(true);
  });
});

describe("of two copies that differ in nanoseconds only the later stands", () => {
  const at = (fraction: string) => ({ updated_at: `2026-03-08T09:30:00.${fraction}Z` });
  it.each([
    ["booking", (copy: object) => bookingOf({ ...booking, ...copy })],
    ["payment", (copy: object) => paymentOf({ ...payment, ...copy })],
    ["refund", (copy: object) => refundOf({ ...refund, ...copy })],
    ["customer", (copy: object) => customerOf({ ...customer, ...copy })],
    ["team_member", (copy: object) => only("team_member", factsOfTeamMember({ ...teamMember, ...copy }))],
  ])("of a %s", (_, read) => {
    const fractions = ["000000", "000000001", "000000100", "000000999", "000001", "000001001"];
    const keys = fractions.map((fraction) => read(at(fraction)).order_key);
    expect(keys.toSorted()).toEqual(keys);
    expect(read(at("123456789")).updated_at).toBe("2026-03-08T09:30:00.123456Z");
  });
});

describe("a payment or refund of one instant", () => {
  it.each(["COMPLETED", "CANCELED", "FAILED"])("that is %s stands over an approved one", (status) => {
    const approved = paymentOf({ ...payment, status: "APPROVED", refunded_money: usd(1) });
    expect(paymentOf({ ...payment, status }).order_key > approved.order_key).toBe(true);
  });

  it.each(["COMPLETED", "REJECTED", "FAILED"])("that is %s stands over a pending one", (status) => {
    expect(refundOf({ ...refund, status }).order_key > refundOf(refund).order_key).toBe(true);
  });

  it("is not ordered by the version that webhooks add to refunds", () => {
    const earlier = refundOf({ ...refund, version: 10 });
    const later = refundOf({ ...refund, version: 7, updated_at: "2026-03-08T09:30:00.001Z" });
    expect(later.order_key > earlier.order_key).toBe(true);
  });
});

describe("a customer", () => {
  it("keeps a birthday of unknown year as text, and an emptied field as null", () => {
    expect(customerOf({ ...customer, birthday: "0000-03-04", given_name: "" })).toMatchObject({
      birthday: "0000-03-04",
      given_name: null,
      version: 2n,
      deleted_at: null,
    });
  });

  it.each(["1998-09-21", "1998-09-21T00:00:00-00:00", "1998-09-21T00:00:00Z"])(
    "has the birthday 1998-09-21, which Square before 2022-10-19 wrote %s",
    (birthday) => expect(customerOf({ ...customer, birthday }).birthday).toBe("1998-09-21"),
  );

  it("has a merge context only when a merge caused the event", () => {
    for (const context of [undefined, null, {}, { merge: null }])
      expect(parseEventContext(context)?.merge ?? null).toBeNull();
    expect(() => parseEventContext({ merge: { from_customer_ids: ["A"] } })).toThrow(
      "event_context.merge.to_customer_id: ",
    );
  });
});

describe("an object from the API", () => {
  it("reads into the same fact as the webhook's, whatever the order of its keys", () => {
    const reversed = Object.fromEntries(Object.entries(payment).reverse());
    expect(paymentOf(reversed)).toEqual(paymentOf(payment));
    expect(paymentOf({ ...payment, amount_money: usd(6500n) }).order_key).toBe(paymentOf(payment).order_key);
  });

  it("gives a location its columns", () => {
    const location = {
      id: "L",
      name: "Harbour",
      timezone: "America/Los_Angeles",
      currency: "USD",
      status: "ACTIVE",
    };
    expect(locationOf(location)).toEqual({
      square_location_id: "L",
      name: "Harbour",
      time_zone: "America/Los_Angeles",
      currency: "USD",
      status: "ACTIVE",
    });
  });
});
