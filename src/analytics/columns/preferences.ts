import type { Column, Usage } from "../column.js";

const acceptedBookings: Usage = { rows: "booking", where: "accepted", usedAt: "start_at" };
const acceptedSegments: Usage = { rows: "segment", where: "true", usedAt: "start_at" };

/** The value at the first or last ACCEPTED booking, in the order start_at, booking_id. */
function atBooking(name: string, which: "first" | "last", value: string, description: string): Column {
  return { name, type: "text", unit: "id", from: `${which}_booking`, sql: `max(${value})`, description };
}

function preferred(name: string, usage: Usage, value: string, description: string): Column {
  return { name, type: "text", unit: "id", from: "usage", usage, sql: value, description };
}

/** Where, with whom, what and when: over ACCEPTED bookings, past and future. */
export const preferenceColumns: readonly Column[] = [
  {
    name: "distinct_locations",
    type: "integer",
    unit: "count",
    from: "booking",
    sql: "count(distinct location_id) filter (where accepted)",
    empty: "0",
    description: "Different locations booked.",
  },
  preferred("preferred_location_id", acceptedBookings, "location_id", "Location booked most often."),
  atBooking("first_location_id", "first", "location_id", "Location of the first booking."),
  atBooking("last_location_id", "last", "location_id", "Location of the last booking."),
  {
    name: "distinct_technicians",
    type: "integer",
    unit: "count",
    from: "segment",
    sql: "count(distinct team_member_id)",
    empty: "0",
    description: "Different team members over all segments.",
  },
  preferred("preferred_technician_id", acceptedSegments, "team_member_id", "Team member of most segments."),
  atBooking(
    "last_technician_id",
    "last",
    "technician_id",
    "Team member of the last booking's first segment.",
  ),
  {
    name: "distinct_services",
    type: "integer",
    unit: "count",
    from: "segment",
    sql: "count(distinct service_variation_id)",
    empty: "0",
    description: "Different service variations over all segments.",
  },
  preferred(
    "preferred_service_variation_id",
    acceptedSegments,
    "service_variation_id",
    "Service variation of most segments.",
  ),
  atBooking(
    "last_service_variation_id",
    "last",
    "service_variation_id",
    "Service of the last booking's first segment.",
  ),
  {
    name: "preferred_weekday",
    type: "smallint",
    from: "usage",
    usage: acceptedBookings,
    sql: "extract(isodow from local_start)::text",
    description: "Most frequent ISO weekday (1 Monday to 7 Sunday) in the booking's location's time zone.",
  },
  {
    name: "preferred_hour",
    type: "smallint",
    from: "usage",
    usage: acceptedBookings,
    // Two digits, so that the smallest text is the smallest hour.
    sql: "to_char(local_start, 'HH24')",
    description: "Most frequent hour of the day (0 to 23) in the booking's location's time zone.",
  },
];
