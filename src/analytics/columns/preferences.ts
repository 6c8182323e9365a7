import type { Aggregate, Column } from "../column.js";

/** Counted from ACCEPTED bookings, or from their segments, which are of no other bookings. */
function counted<From extends "booking" | "segment">(from: From, aggregate: Aggregate, value: string) {
  return { from, ...(from === "booking" ? { where: "accepted" } : {}), aggregate, value };
}

function distinct(name: string, from: "booking" | "segment", value: string, description: string): Column {
  return { name, type: "integer", unit: "count", ...counted(from, "count distinct", value), description };
}

function preferred(name: string, from: "booking" | "segment", value: string, description: string): Column {
  return { name, type: "text", unit: "id", ...counted(from, "mode", value), description };
}

/** What was done first at a booking, as SQL over one. */
function firstSegment(value: string): string {
  return `(select ${value} from segment where segment.booking_id = booking.booking_id and segment_index = 0)`;
}

/** The value at the first or last ACCEPTED booking. */
function atBooking(name: string, which: "first" | "last", value: string, description: string): Column {
  return { name, type: "text", unit: "id", ...counted("booking", which, value), description };
}

/** Where, with whom, what and when: over ACCEPTED bookings, past and future. */
export const preferenceColumns: readonly Column[] = [
  distinct("distinct_locations", "booking", "location_id", "Different locations booked."),
  preferred("preferred_location_id", "booking", "location_id", "Location booked most often."),
  atBooking("first_location_id", "first", "location_id", "Location of the first booking."),
  atBooking("last_location_id", "last", "location_id", "Location of the last booking."),
  distinct("distinct_technicians", "segment", "technician_id", "Different team members over all segments."),
  preferred("preferred_technician_id", "segment", "technician_id", "Team member of most segments."),
  atBooking(
    "last_technician_id",
    "last",
    firstSegment("technician_id"),
    "Team member of the last booking's first segment.",
  ),
  distinct(
    "distinct_services",
    "segment",
    "service_variation_id",
    "Different service variations over all segments.",
  ),
  preferred(
    "preferred_service_variation_id",
    "segment",
    "service_variation_id",
    "Service variation of most segments.",
  ),
  atBooking(
    "last_service_variation_id",
    "last",
    firstSegment("service_variation_id"),
    "Service of the last booking's first segment.",
  ),
  {
    name: "preferred_weekday",
    type: "smallint",
    ...counted("booking", "mode", "extract(isodow from local_start)::text"),
    description: "Most frequent ISO weekday (1 Monday to 7 Sunday) in the booking's location's time zone.",
  },
  {
    name: "preferred_hour",
    type: "smallint",
    // Two digits, so that the smallest text is the smallest hour.
    ...counted("booking", "mode", "to_char(local_start, 'HH24')"),
    description: "Most frequent hour of the day (0 to 23) in the booking's location's time zone.",
  },
];
