import type { Column } from "../column.js";
import { isLateCancellation } from "../rules.js";

function bookingCount(name: string, where: string, description: string): Column {
  return { name, type: "integer", unit: "count", from: "booking", where, aggregate: "count", description };
}

function statusCount(name: string, status: string, description: string): Column {
  return bookingCount(name, `status = '${status}'`, description);
}

/** What the customer booked, whether or not it has taken place: none of it changes by the clock. */
export const bookingColumns: readonly Column[] = [
  {
    name: "total_bookings",
    type: "integer",
    unit: "count",
    from: "booking",
    aggregate: "count",
    description: "Every booking, whatever became of it.",
  },
  statusCount("total_accepted_bookings", "ACCEPTED", "Bookings that are ACCEPTED, past and future."),
  statusCount("total_pending_bookings", "PENDING", "Bookings that wait for the seller."),
  statusCount("total_declined_bookings", "DECLINED", "Bookings the seller declined."),
  statusCount("total_cancelled_by_customer", "CANCELLED_BY_CUSTOMER", "Bookings the customer cancelled."),
  statusCount("total_cancelled_by_seller", "CANCELLED_BY_SELLER", "Bookings the seller cancelled."),
  statusCount("total_no_shows", "NO_SHOW", "Bookings the customer missed."),
  bookingCount(
    "late_cancellations",
    isLateCancellation("booking"),
    "Bookings the customer cancelled less than 24 hours before their start. Square tells no time of cancelling: a later edit moves it.",
  ),
  {
    name: "first_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    where: "accepted",
    aggregate: "min",
    value: "start_at",
    description: "Earliest start of an ACCEPTED booking, future ones included.",
  },
  {
    name: "last_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    where: "accepted",
    aggregate: "max",
    value: "start_at",
    description: "Latest start of an ACCEPTED booking, future ones included.",
  },
  {
    name: "last_booked_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    aggregate: "max",
    value: "created_at",
    description: "When the customer last made a booking of any status.",
  },
  {
    name: "cancellation_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "columns",
    inputs: ["total_cancelled_by_customer", "total_cancelled_by_seller", "total_bookings"],
    formula: "(total_cancelled_by_customer + total_cancelled_by_seller)::numeric / nullif(total_bookings, 0)",
    description: "Cancelled bookings, by either side, over all bookings.",
  },
  {
    name: "avg_lead_time_hours",
    type: "numeric(24,2)",
    unit: "hours",
    from: "booking",
    where: "accepted",
    aggregate: "mean",
    value: "extract(epoch from start_at - created_at)",
    per: 3600,
    description: "Mean time from making an ACCEPTED booking to its start.",
  },
  {
    name: "total_booked_minutes",
    type: "integer",
    unit: "minutes",
    from: "booking",
    where: "accepted",
    aggregate: "sum",
    value: "duration_minutes",
    description:
      "Length of all ACCEPTED bookings; a booking is as long as its segments together. Stops at 2^31 - 1.",
  },
  {
    name: "avg_booking_minutes",
    type: "numeric(24,2)",
    unit: "minutes",
    from: "booking",
    where: "accepted",
    aggregate: "mean",
    value: "duration_minutes",
    description: "Mean length of an ACCEPTED booking.",
  },
  bookingCount(
    "self_booked_bookings",
    "creator_type = 'CUSTOMER'",
    "Bookings of any status that the customer made without the seller.",
  ),
  {
    name: "booking_notes",
    type: "jsonb",
    from: "booking",
    where: "noted",
    aggregate: "list",
    value: `jsonb_build_object('booking_id', booking_id,
        'start_at', to_char(start_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'status', status,
        'customer_note', customer_note, 'seller_note', seller_note, 'technician_id', (
          select known_technician(team_member_id) from booking_segments s
          where s.organization_id = $1 and s.booking_id = booking.booking_id and s.segment_index = 0
        ))`,
    description:
      "Bookings with a note that is not white space alone, latest start first: {booking_id, start_at, status, customer_note, seller_note, technician_id}.",
  },
  bookingCount("notes_count", "noted", "Length of booking_notes."),
];
