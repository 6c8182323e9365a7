import type { Aggregate, Column } from "../column.js";

/** Computed from ACCEPTED bookings or their segments. The relation `segment` holds no others. */
function counted<From extends "booking" | "segment">(from: From, aggregate: Aggregate, value: string) {
  return { from, ...(from === "booking" ? { where: "accepted" } : {}), aggregate, value };
}

function distinct(name: string, from: "booking" | "segment", value: string, description: string): Column {
  return { name, type: "integer", unit: "count", ...counted(from, "count distinct", value), description };
}

function preferred(name: string, from: "booking" | "segment", value: string, description: string): Column {
  return { name, type: "text", unit: "id", ...counted(from, "mode", value), description };
}

/** A value of a booking's first segment, as SQL over the booking. */
function firstSegment(value: string): string {
  return `(select ${value} from segment where segment.booking_id = booking.booking_id and segment_index = 0)`;
}

/** A value of the first or last ACCEPTED booking. */
function atBooking(name: string, which: "first" | "last", value: string, description: string): Column {
  return { name, type: "text", unit: "id", ...counted("booking", which, value), description };
}

/** Locations, team members, services and times of ACCEPTED bookings, past and future. */
export const preferenceColumns: readonly Column[] = [
  distinct(
    "distinct_locations",
    "booking",
    "location_id",
    "Number of different locations of ACCEPTED bookings.",
  ),
  preferred("preferred_location_id", "booking", "location_id", "Location of most ACCEPTED bookings."),
  atBooking("first_location_id", "first", "location_id", "Location of the first ACCEPTED booking by start."),
  atBooking("last_location_id", "last", "location_id", "Location of the last ACCEPTED booking by start."),
  distinct(
    "distinct_technicians",
    "segment",
    "technician_id",
    "Number of different team members in the segments of ACCEPTED bookings.",
  ),
  preferred(
    "preferred_technician_id",
    "segment",
    "technician_id",
    "Team member of most segments of ACCEPTED bookings.",
  ),
  atBooking(
    "last_technician_id",
    "last",
    firstSegment("technician_id"),
    "Team member of the first segment of the last ACCEPTED booking.",
  ),
  distinct(
    "distinct_services",
    "segment",
    "service_variation_id",
    "Number of different service variations in the segments of ACCEPTED bookings.",
  ),
  preferred(
    "preferred_service_variation_id",
    "segment",
    "service_variation_id",
    "Service variation of most segments of ACCEPTED bookings.",
  ),
  atBooking(
    "last_service_variation_id",
    "last",
    firstSegment("service_variation_id"),
    "Service variation of the first segment of the last ACCEPTED booking.",
  ),
  {
    name: "preferred_weekday",
    type: "smallint",
    ...counted("booking", "mode", "extract(isodow from local_start)::text"),
    description:
      "Most frequent weekday of ACCEPTED bookings, in the time zone of the booking's location. 1 is Monday, 7 is Sunday.",
  },
  {
    name: "preferred_hour",
    type: "smallint",
    // Two digits, so that text order is the order of the hours.
    ...counted("booking", "mode", "to_char(local_start, 'HH24')"),
    description:
      "Most frequent hour of day (0 to 23) of ACCEPTED bookings, in the time zone of the booking's location.",
  },
];
