/** The rows of the two daily views for the facts. */
import { compare, distinct, saturated, sum } from "./arithmetic.js";
import { acceptedInOrder } from "./booking-columns.js";
import type { FactTables, Row } from "./facts.js";
import { localTime } from "./instants.js";
import { type Booking, nameOf, readBookings, readPayments, readRefunds, timeZoneOf } from "./read.js";

/** `analytics_appointments_by_location_daily`, ordered by location, date. */
export function expectedAppointmentsDaily(facts: FactTables): Row[] {
  const dated = readBookings(facts).map((booking) => ({
    ...booking,
    date: localTime(booking.start_at, timeZoneOf(facts, booking.location_id)).date,
  }));
  const firstBookings = firstAcceptedOfEveryCustomer(dated);

  return groups(dated, (booking) => [booking.location_id, booking.date]).map((bookings) => {
    const { location_id, date } = bookings[0];
    const byStatus = (status: string) => bookings.filter((booking) => booking.status === status);
    const accepted = byStatus("ACCEPTED");
    const byCustomer = byStatus("CANCELLED_BY_CUSTOMER").length;
    const bySeller = byStatus("CANCELLED_BY_SELLER").length;
    const unique = distinct(accepted.map((booking) => booking.customer_id)).length;
    // a customer is new once: on the day and at the location of the first ACCEPTED booking
    const fresh = accepted.filter((booking) => firstBookings.has(booking.booking_id)).length;
    return {
      ...placeAndDay(facts, location_id, date),
      appointments_count: accepted.length,
      accepted_appointments: accepted.length,
      pending_appointments: byStatus("PENDING").length,
      cancelled_appointments: byCustomer + bySeller,
      cancelled_by_customer: byCustomer,
      cancelled_by_seller: bySeller,
      no_show_appointments: byStatus("NO_SHOW").length,
      // distinct team members per ACCEPTED booking, summed
      staff_slots: accepted.reduce((total, booking) => total + teamMembers(booking).length, 0),
      unique_customers: unique,
      new_customers: fresh,
      returning_customers: unique - fresh,
    };
  });
}

/** `analytics_revenue_by_location_daily`, ordered by location, date, currency. */
export function expectedRevenueDaily(facts: FactTables): Row[] {
  const payments = readPayments(facts);
  const sales = payments
    .filter((payment) => payment.status === "COMPLETED")
    .map((payment) => ({ ...payment, kind: "sale" as const }));
  // a refund counts on its own day, at its location or else at its payment's
  const refunds = readRefunds(facts)
    .filter((refund) => refund.status === "COMPLETED")
    .map((refund) => {
      const payment = payments.find((candidate) => candidate.payment_id === refund.payment_id);
      return {
        ...refund,
        location_id: refund.location_id ?? payment?.location_id ?? null,
        kind: "refund" as const,
      };
    });
  const dated = [...sales, ...refunds].map((movement) => ({
    ...movement,
    date: localTime(movement.created_at, timeZoneOf(facts, movement.location_id)).date,
  }));

  return groups(dated, (movement) => [movement.location_id, movement.date, movement.currency]).map(
    (movements) => {
      const { location_id, date, currency } = movements[0];
      const paid = movements.filter((movement) => movement.kind === "sale");
      const returned = movements.filter((movement) => movement.kind === "refund");
      const gross = sum(paid.map((payment) => payment.total_cents));
      const refunded = sum(returned.map((refund) => refund.amount_cents));
      return {
        ...placeAndDay(facts, location_id, date),
        currency,
        revenue_cents: saturated(sum(paid.map((payment) => payment.amount_cents))),
        tips_cents: saturated(sum(paid.map((payment) => payment.tip_cents))),
        gross_cents: saturated(gross),
        refunded_cents: saturated(refunded),
        net_cents: saturated(gross - refunded),
        payment_count: paid.length,
        unique_customers: distinct(paid.map((payment) => payment.customer_id)).length,
      };
    },
  );
}

/** The id of every customer's first ACCEPTED booking (tie: booking_id). */
function firstAcceptedOfEveryCustomer(bookings: readonly Booking[]): Set<string> {
  const customers = distinct(bookings.map((booking) => booking.customer_id));
  const firsts = customers.map(
    (customer) => acceptedInOrder(bookings.filter((b) => b.customer_id === customer))[0]?.booking_id ?? null,
  );
  return new Set(distinct(firsts));
}

function teamMembers(booking: Booking): string[] {
  return distinct(booking.segments.map((segment) => segment.team_member_id));
}

function placeAndDay(facts: FactTables, locationId: string | null, date: string): Row {
  const { id } = facts.organization;
  return {
    ...(id === undefined ? {} : { organization_id: id }),
    location_id: locationId,
    location_name: nameOf(facts, locationId),
    date,
  };
}

/** The items grouped by key, in the order of the keys. */
function groups<T>(items: readonly T[], keyOf: (item: T) => (string | null)[]): [T, ...T[]][] {
  const byKey = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const key = JSON.stringify(keyOf(item));
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [item]);
    else group.push(item);
  }
  return [...byKey.entries()].sort(([a], [b]) => compare(a, b)).map(([, group]) => group);
}
