import type { Column } from "../column.js";

function statusCount(name: string, status: string, description: string): Column {
  return {
    name,
    type: "integer",
    unit: "count",
    from: "booking",
    sql: `count(*) filter (where status = '${status}')`,
    empty: "0",
    description,
  };
}

/** What the customer booked, whether or not it has taken place: none of it changes by the clock. */
export const bookingColumns: readonly Column[] = [
  {
    name: "total_bookings",
    type: "integer",
    unit: "count",
    from: "booking",
    sql: "count(*)",
    empty: "0",
    description: "Every booking, whatever became of it.",
  },
  statusCount("total_accepted_bookings", "ACCEPTED", "Bookings that are ACCEPTED, past and future."),
  statusCount("total_pending_bookings", "PENDING", "Bookings that wait for the seller."),
  statusCount("total_declined_bookings", "DECLINED", "Bookings the seller declined."),
  statusCount("total_cancelled_by_customer", "CANCELLED_BY_CUSTOMER", "Bookings the customer cancelled."),
  statusCount("total_cancelled_by_seller", "CANCELLED_BY_SELLER", "Bookings the seller cancelled."),
  statusCount("total_no_shows", "NO_SHOW", "Bookings the customer missed."),
  {
    name: "late_cancellations",
    type: "integer",
    unit: "count",
    from: "booking",
    sql: "count(*) filter (where status = 'CANCELLED_BY_CUSTOMER' and start_at - updated_at < interval '24 hours')",
    empty: "0",
    description: "Bookings the customer cancelled less than 24 hours before their start.",
  },
  {
    name: "first_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    sql: "min(start_at) filter (where accepted)",
    description: "Earliest start of an ACCEPTED booking, future ones included.",
  },
  {
    name: "last_booking_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    sql: "max(start_at) filter (where accepted)",
    description: "Latest start of an ACCEPTED booking, future ones included.",
  },
  {
    name: "last_booked_at",
    type: "timestamptz",
    unit: "UTC instant",
    from: "booking",
    sql: "max(created_at)",
    description: "When the customer last made a booking of any status.",
  },
  {
    name: "cancellation_rate",
    type: "numeric(24,4)",
    unit: "ratio",
    from: "row",
    sql: "round((total_cancelled_by_customer + total_cancelled_by_seller)::numeric / nullif(total_bookings, 0), 4)",
    description: "Cancelled bookings, by either side, over all bookings.",
  },
  {
    name: "avg_lead_time_hours",
    type: "numeric(24,2)",
    unit: "hours",
    from: "booking",
    sql: `round(sum(extract(epoch from start_at - created_at)) filter (where accepted)
      / (3600 * nullif(count(*) filter (where accepted), 0)), 2)`,
    description: "Mean time from making an ACCEPTED booking to its start.",
  },
  {
    name: "total_booked_minutes",
    type: "integer",
    unit: "minutes",
    from: "booking",
    sql: "sum(duration_minutes) filter (where accepted)",
    empty: "0",
    description: "Length of all ACCEPTED bookings; a booking is as long as its segments together.",
  },
  {
    name: "avg_booking_minutes",
    type: "numeric(24,2)",
    unit: "minutes",
    from: "booking",
    sql: "round(sum(duration_minutes) filter (where accepted)::numeric / nullif(count(*) filter (where accepted), 0), 2)",
    description: "Mean length of an ACCEPTED booking.",
  },
  {
    name: "self_booked_bookings",
    type: "integer",
    unit: "count",
    from: "booking",
    sql: "count(*) filter (where creator_type = 'CUSTOMER')",
    empty: "0",
    description: "Bookings of any status that the customer made without the seller.",
  },
  {
    name: "booking_notes",
    type: "jsonb",
    from: "booking",
    sql: `jsonb_agg(jsonb_build_object('booking_id', booking_id,
        'start_at', to_char(start_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'status', status,
        'customer_note', customer_note, 'seller_note', seller_note, 'technician_id', (
          select team_member_id from booking_segments s
          where s.organization_id = $1 and s.booking_id = booking.booking_id and s.segment_index = 0
        ))
      order by start_at desc, booking_id collate "C") filter (where noted)`,
    empty: "'[]'::jsonb",
    description:
      "Bookings with a note, latest start first: {booking_id, start_at, status, customer_note, seller_note, technician_id}.",
  },
  {
    name: "notes_count",
    type: "integer",
    unit: "count",
    from: "booking",
    sql: "count(*) filter (where noted)",
    empty: "0",
    description: "Length of booking_notes.",
  },
];
