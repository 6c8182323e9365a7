/** The columns that depend on bookings and not on the clock, in the order and words of their definitions. */
import { compare, distinct, greatest, mode, roundedOrNull, saturated, smallest, sum } from "./arithmetic.js";
import type { FactTables, Row } from "./facts.js";
import { HOUR, localTime, toIsoMillis, toIsoOrNull } from "./instants.js";
import { type Booking, type CustomerFacts, timeZoneOf } from "./read.js";

export function bookingColumns(facts: FactTables, customer: CustomerFacts): Row {
  return {
    ...counts(customer),
    ...times(customer),
    ...placesAndPeople(facts, customer),
    ...notes(customer),
  };
}

/** ACCEPTED bookings in the order start_at, booking_id, with future ones. */
export function acceptedInOrder(bookings: readonly Booking[]): Booking[] {
  return bookings
    .filter((booking) => booking.status === "ACCEPTED")
    .sort((a, b) => compare(a.start_at, b.start_at) || compare(a.booking_id, b.booking_id));
}

/** The local days with one of these bookings, in the time zone of the booking's location. */
export function localDays(facts: FactTables, bookings: readonly Booking[]): number {
  return distinct(bookings.map((b) => localTime(b.start_at, timeZoneOf(facts, b.location_id)).date)).length;
}

/** duration = sum of the segments' duration_minutes. */
export function durationMinutes(booking: Booking): number {
  return booking.segments.reduce((total, segment) => total + (segment.duration_minutes ?? 0), 0);
}

function counts(customer: CustomerFacts): Row {
  const byStatus = (status: string) => customer.bookings.filter((booking) => booking.status === status);
  const total = customer.bookings.length;
  const byCustomer = byStatus("CANCELLED_BY_CUSTOMER");
  const bySeller = byStatus("CANCELLED_BY_SELLER");
  return {
    // every booking
    total_bookings: total,
    // by status
    total_accepted_bookings: byStatus("ACCEPTED").length,
    total_pending_bookings: byStatus("PENDING").length,
    total_declined_bookings: byStatus("DECLINED").length,
    total_cancelled_by_customer: byCustomer.length,
    total_cancelled_by_seller: bySeller.length,
    total_no_shows: byStatus("NO_SHOW").length,
    // CANCELLED_BY_CUSTOMER with start_at - updated_at < 24 h
    late_cancellations: byCustomer.filter((b) => b.start_at - b.updated_at < 24n * HOUR).length,
    // (cancelled by customer + by seller) / total_bookings
    cancellation_rate: roundedOrNull(BigInt(byCustomer.length + bySeller.length), BigInt(total), 4),
    // creator_type CUSTOMER, any status
    self_booked_bookings: customer.bookings.filter((b) => b.creator_type === "CUSTOMER").length,
  };
}

function times(customer: CustomerFacts): Row {
  const accepted = acceptedInOrder(customer.bookings);
  const starts = accepted.map((booking) => booking.start_at);
  const leads = accepted.map((booking) => booking.start_at - booking.created_at);
  const minutes = accepted.reduce((total, booking) => total + durationMinutes(booking), 0);
  const count = BigInt(accepted.length);
  return {
    // MIN, MAX(start_at) of ACCEPTED, future ones included
    first_booking_at: toIsoOrNull(smallest(starts)),
    last_booking_at: toIsoOrNull(greatest(starts)),
    // MAX(created_at), any status
    last_booked_at: toIsoOrNull(greatest(customer.bookings.map((booking) => booking.created_at))),
    // mean of start_at - created_at over ACCEPTED, in hours
    avg_lead_time_hours: roundedOrNull(sum(leads), count * HOUR, 2),
    // sum, mean (2 places) of duration over ACCEPTED
    total_booked_minutes: Number(saturated(BigInt(minutes), 32)),
    avg_booking_minutes: roundedOrNull(BigInt(minutes), count, 2),
  };
}

function placesAndPeople(facts: FactTables, customer: CustomerFacts): Row {
  const accepted = acceptedInOrder(customer.bookings);
  const last = accepted.at(-1);
  const segments = accepted.flatMap((booking) =>
    booking.segments.map((segment) => ({ ...segment, at: booking.start_at })),
  );
  const places = accepted.map((booking) => ({ value: booking.location_id, at: booking.start_at }));
  const technicians = segments.map((segment) => ({ value: segment.team_member_id, at: segment.at }));
  const services = segments.map((segment) => ({ value: segment.service_variation_id, at: segment.at }));
  const local = accepted.map((booking) => ({
    ...localTime(booking.start_at, timeZoneOf(facts, booking.location_id)),
    at: booking.start_at,
  }));
  return {
    // over ACCEPTED in the order start_at, booking_id: first and last of it
    distinct_locations: distinct(places.map((use) => use.value)).length,
    preferred_location_id: mode(places),
    first_location_id: accepted[0]?.location_id ?? null,
    last_location_id: last?.location_id ?? null,
    // over the segments of ACCEPTED bookings; last = first segment of the last booking
    distinct_technicians: distinct(technicians.map((use) => use.value)).length,
    preferred_technician_id: mode(technicians),
    last_technician_id: last?.segments[0]?.team_member_id ?? null,
    // likewise
    distinct_services: distinct(services.map((use) => use.value)).length,
    preferred_service_variation_id: mode(services),
    last_service_variation_id: last?.segments[0]?.service_variation_id ?? null,
    // mode over ACCEPTED in the booking's location's time zone; ISO weekday 1-7, hour 0-23
    preferred_weekday: mode(local.map(({ weekday, at }) => ({ value: weekday, at }))),
    preferred_hour: mode(local.map(({ hour, at }) => ({ value: hour, at }))),
  };
}

function notes(customer: CustomerFacts): Row {
  // start_at descending then booking_id, for bookings with a non-empty note; [] when none
  const noted = customer.bookings
    .filter((booking) => booking.customer_note !== null || booking.seller_note !== null)
    .sort((a, b) => compare(b.start_at, a.start_at) || compare(a.booking_id, b.booking_id));
  return {
    booking_notes: noted.map((booking) => ({
      booking_id: booking.booking_id,
      start_at: toIsoMillis(booking.start_at),
      status: booking.status,
      customer_note: booking.customer_note,
      seller_note: booking.seller_note,
      technician_id: booking.segments[0]?.team_member_id ?? null,
    })),
    // its length
    notes_count: noted.length,
  };
}
