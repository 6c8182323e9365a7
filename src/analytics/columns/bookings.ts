import type { Column } from "../column.js";
import { isLateCancellation } from "../rules.js";

function bookingCount(name: string, where: string, description: string): Column {
  return { name, type: "integer", unit: "count", from: "booking", where, aggregate: "count", description };
}

function statusCount(name: string, status: string, description: string): Column {
  return bookingCount(name, `status = '${status}'`, description);
}

/** Columns over all bookings, past and future. The clock changes none of them. */
export const bookingColumns: readonly Column[] = [
  {
    name: "total_bookings",
    type: "integer",
    unit: "count",
    from: "booking",
    aggregate: "count",
    description: "All bookings, of any status.",
  },
  statusCount("total_accepted_bookings", "ACCEPTED", "ACCEPTED bookings, past and future."),
  statusCount("total_pending_bookings", "PENDING", "PENDING bookings: they wait for the seller's answer."),
  statusCount("total_declined_bookings", "DECLINED", "Bookings that the seller declined."),
  statusCount(
    "total_cancelled_by_customer",
    "CANCELLED_BY_CUSTOMER",
    "Bookings that the customer cancelled.",
  ),
  statusCount("total_cancelled_by_seller", "CANCELLED_BY_SELLER", "Bookings that the seller cancelled."),
  statusCount("total_no_shows", "NO_SHOW", "Bookings with status NO_SHOW: the customer did not come."),
  bookingCount(
    "late_cancellations",
    isLateCancellation("booking"),
    "Bookings that the customer cancelled less than 24 hours before their start. Square gives no time of cancelling, so the time of the last edit counts. A later edit can change this count.",
  ),
  {
    name: "first_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    where: "accepted",
    aggregate: "min",
    value: "start_at",
    description: "Earliest start of an ACCEPTED booking. Future bookings are included.",
  },
  {
    name: "last_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    where: "accepted",
    aggregate: "max",
    value: "start_at",
    description: "Latest start of an ACCEPTED booking. Future bookings are included.",
  },
  {
    name: "last_booked_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    aggregate: "max",
    value: "created_at",
    description: "When the customer's newest booking was made, of any status.",
  },
  {
    name: "cancellation_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "columns",
    inputs: ["total_cancelled_by_customer", "total_cancelled_by_seller", "total_bookings"],
    formula: "(total_cancelled_by_customer + total_cancelled_by_seller)::numeric / nullif(total_bookings, 0)",
    description:
      "Bookings that the customer or the seller cancelled, divided by all bookings. NULL without bookings.",
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
    description: "Mean time between making an ACCEPTED booking and its start.",
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
      "Total length of all ACCEPTED bookings. A booking's length is the sum of its segments. At most 2^31 - 1.",
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
    "Bookings of any status that the customer made, not the seller.",
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
      "Bookings with a note, latest start first. Each has {booking_id, start_at, status, customer_note, seller_note, technician_id}. A note of white space alone is empty. An empty note is null. technician_id is the first segment's.",
  },
  bookingCount("notes_count", "noted", "Number of bookings in booking_notes."),
];
