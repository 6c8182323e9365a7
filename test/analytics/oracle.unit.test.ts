import { describe, expect, it } from "vitest";
import { booking, PACIFIC, payment, refund, rowOfAna, segment, world } from "../oracle/builders.js";
import {
  type BookingRow,
  expectedAnalytics,
  expectedAppointmentsDaily,
  expectedRevenueDaily,
} from "../oracle/index.js";

describe("local time", () => {
  it("counts a first visit after 17:00 in Los Angeles on the local day, not on the next UTC day", () => {
    const facts = world({ bookings: [booking("b1", "2026-02-11T01:30:00Z")] });
    expect(expectedAppointmentsDaily(facts)).toMatchObject([{ date: "2026-02-10", new_customers: 1 }]);
    expect(rowOfAna(facts, "2026-02-12T00:00:00Z")).toMatchObject({
      preferred_weekday: 2,
      preferred_hour: 17,
    });
  });

  it("counts an unknown location's days in the organization's time zone", () => {
    const facts = world({ bookings: [booking("b1", "2026-02-11T01:30:00Z", { location_id: "uptown" })] });
    expect(expectedAppointmentsDaily(facts)).toMatchObject([{ location_name: "uptown", date: "2026-02-10" }]);
  });
});

describe("ties", () => {
  it("the organization's currency wins a tie that includes it, the smallest code wins any other", () => {
    const at = "2026-02-10T20:00:00Z";
    const main = (...currencies: string[]) =>
      rowOfAna(world({ payments: currencies.map((currency, i) => payment(`p${i}`, at, { currency })) }), at)
        .currency;
    expect(main("EUR", "USD")).toBe("USD");
    expect(main("GBP", "EUR")).toBe("EUR");
    expect(main("GBP", "GBP", "USD")).toBe("GBP");
  });

  it("payments of one instant are ordered by payment_id", () => {
    const at = "2026-02-10T20:00:00Z";
    const payments = [payment("p2", at, { amount_cents: 200n }), payment("p1", at, { amount_cents: 100n })];
    expect(rowOfAna(world({ payments }), at)).toMatchObject({ last_payment_cents: 200n });
  });
});

describe("the clock", () => {
  const twoVisits = world({
    bookings: [booking("b1", "2026-01-01T18:00:00Z"), booking("b2", "2026-01-11T18:00:00.000001Z")],
  });

  it("overdue begins at exactly last visit + 1.5 gaps, rounded up to the microsecond", () => {
    // gap = 10 d + 1 us, half of it 5 d + 0.5 us: due at 2026-01-26T18:00:00.0000025
    expect(rowOfAna(twoVisits, "2026-01-26T18:00:00.000002Z")).toMatchObject({
      is_overdue: false,
      refresh_due_at: "2026-01-26T18:00:00.000003Z",
    });
    expect(rowOfAna(twoVisits, "2026-01-26T18:00:00.000003Z")).toMatchObject({ is_overdue: true });
  });

  it("a gap of one microsecond over ten days is no longer weekly", () => {
    expect(rowOfAna(twoVisits, "2026-01-12T00:00:00Z")).toMatchObject({
      avg_days_between_visits: "10.00",
      visit_frequency: "BIWEEKLY",
    });
  });

  it("a booking becomes a visit at its start, not a microsecond before", () => {
    const facts = world({ bookings: [booking("b1", "2026-02-10T20:00:00Z")] });
    expect(rowOfAna(facts, "2026-02-10T19:59:59.999999Z")).toMatchObject({
      total_visits: 0,
      upcoming_bookings: 1,
      customer_segment: "NEVER_VISITED",
      refresh_due_at: "2026-02-10T20:00:00.000000Z",
    });
    expect(rowOfAna(facts, "2026-02-10T20:00:00Z")).toMatchObject({
      total_visits: 1,
      upcoming_bookings: 0,
      customer_segment: "NEW",
      refresh_due_at: "2026-03-12T20:00:00.000000Z",
    });
  });

  it("a window of 30 days is 720 hours, also over a change of clocks", () => {
    const facts = world({ bookings: [booking("b1", "2026-03-01T20:00:00Z")] });
    expect(rowOfAna(facts, "2026-03-31T19:59:59Z")).toMatchObject({ visits_last_30d: 1 });
    expect(rowOfAna(facts, "2026-03-31T20:00:00Z")).toMatchObject({ visits_last_30d: 0 });
  });

  it("a payment of 0 leaves its window without a refresh", () => {
    const free = world({ payments: [payment("p1", "2026-02-10T20:00:00Z", { amount_cents: 0n })] });
    expect(rowOfAna(free, "2026-02-11T00:00:00Z").refresh_due_at).toBeNull();
    const paid = world({ payments: [payment("p1", "2026-02-10T20:00:00Z")] });
    expect(rowOfAna(paid, "2026-02-11T00:00:00Z").refresh_due_at).toBe("2026-03-12T20:00:00.000000Z");
  });

  it("an organization's own segment days move the boundary", () => {
    const organization = { currency: "USD", time_zone: PACIFIC, settings: { segments: { new: 7 } } };
    const facts = world({ organization, bookings: [booking("b1", "2026-02-01T20:00:00Z")] });
    expect(rowOfAna(facts, "2026-02-08T19:59:59Z").customer_segment).toBe("NEW");
    expect(rowOfAna(facts, "2026-02-08T20:00:00Z").customer_segment).toBe("ACTIVE");
  });

  it("the end of AT_RISK makes the row due, even if no window ends then", () => {
    const organization = { currency: "USD", time_zone: PACIFIC, settings: { segments: { at_risk: 60 } } };
    const facts = world({ organization, bookings: [booking("b1", "2026-02-01T20:00:00Z")] });
    expect(rowOfAna(facts, "2026-03-16T20:00:00Z")).toMatchObject({
      customer_segment: "AT_RISK",
      refresh_due_at: "2026-04-02T20:00:00.000000Z",
    });
  });

  it("prebooked counts a later booking made from the visit's start until just before 24 hours after", () => {
    const visit = booking("b1", "2026-02-10T20:00:00Z");
    const next = (created_at: string, rest: Partial<BookingRow> = {}) =>
      rowOfAna(
        world({ bookings: [visit, booking("b2", "2026-03-10T20:00:00Z", { created_at, ...rest })] }),
        "2026-02-12T00:00:00Z",
      ).prebooked_visits;
    expect(next("2026-02-10T19:59:59.999999Z")).toBe(0);
    expect(next("2026-02-10T20:00:00Z")).toBe(1);
    expect(next("2026-02-11T19:59:59.999999Z")).toBe(1);
    expect(next("2026-02-11T20:00:00Z")).toBe(0);
    expect(next("2026-02-10T21:00:00Z", { status: "NO_SHOW" })).toBe(1);
    expect(next("2026-02-10T21:00:00Z", { status: "DECLINED" })).toBe(0);
    expect(next("2026-02-10T21:00:00Z", { start_at: "2026-02-10T20:00:00Z" })).toBe(0);
  });
});

describe("who has a row", () => {
  it("a survivor with a live profile, a booking, a payment or a referral profile, and nobody else", () => {
    const profile = (square_customer_id: string, deleted_at: string | null) => ({
      square_customer_id,
      given_name: "A",
      family_name: null,
      company_name: null,
      email_address: null,
      phone_number: null,
      birthday: null,
      creation_source: null,
      created_at: null,
      deleted_at,
    });
    const facts = world({
      customers: [profile("live", null), profile("gone", "2026-01-01T00:00:00Z"), profile("merged", null)],
      customer_aliases: [{ from_customer_id: "merged", to_customer_id: "survivor" }],
      bookings: [booking("b1", "2026-02-10T20:00:00Z", { customer_id: "booked", status: "DECLINED" })],
      payments: [payment("p1", "2026-02-10T20:00:00Z", { customer_id: "payer", status: "FAILED" })],
      referral_profiles: [
        {
          square_customer_id: "merged",
          used_referral_code: "FRIEND",
          activated_as_referrer: true,
          activated_at: "2026-01-01T00:00:00Z",
        },
      ],
      referral_rewards: [
        { referrer_customer_id: "nobody", referred_customer_id: "x", status: "PAID", reward_cents: 5n },
      ],
    });
    const rows = expectedAnalytics(facts, "2026-02-12T00:00:00Z");
    expect([...rows.keys()]).toEqual(["booked", "live", "payer", "survivor"]);
    expect(rows.get("survivor")).toMatchObject({
      referral_source: "FRIEND",
      is_referrer: true,
      given_name: null,
    });
    expect(rows.get("booked")).toMatchObject({ customer_type: "CANCELLED_ONLY" });
    expect(rows.get("payer")).toMatchObject({ customer_type: "POTENTIAL", failed_payments: 1 });
  });
});

describe("the daily views", () => {
  it("a customer is new exactly once, at the location of the first accepted booking", () => {
    const bookings = [
      booking("b2", "2026-02-10T20:00:00Z"),
      booking("b1", "2026-02-10T20:00:00Z", { location_id: "uptown" }),
      booking("b0", "2026-02-09T20:00:00Z", { status: "DECLINED" }),
    ];
    expect(expectedAppointmentsDaily(world({ bookings }))).toMatchObject([
      {
        location_id: "downtown",
        date: "2026-02-09",
        appointments_count: 0,
        unique_customers: 0,
        new_customers: 0,
      },
      { location_id: "downtown", date: "2026-02-10", new_customers: 0, returning_customers: 1 },
      { location_id: "uptown", date: "2026-02-10", new_customers: 1, returning_customers: 0 },
    ]);
  });

  it("staff slots count a team member once per booking, and a booking without a customer", () => {
    const facts = world({
      bookings: [booking("b1", "2026-02-10T20:00:00Z", { customer_id: null })],
      booking_segments: [segment("b1", 0, "maya"), segment("b1", 1, "maya"), segment("b1", 2, null)],
    });
    expect(expectedAppointmentsDaily(facts)).toMatchObject([
      { appointments_count: 1, staff_slots: 1, unique_customers: 0, new_customers: 0 },
    ]);
  });

  it("a refund counts on its own day, at its payment's location when it names none", () => {
    const facts = world({ payments: [payment("p1", "2026-02-09T20:00:00Z")], refunds: [refund("r1")] });
    expect(expectedRevenueDaily(facts)).toMatchObject([
      { date: "2026-02-09", gross_cents: 1000n, refunded_cents: 0n, net_cents: 1000n, payment_count: 1 },
      { location_id: "downtown", date: "2026-02-10", gross_cents: 0n, net_cents: -300n, payment_count: 0 },
    ]);
  });
});
