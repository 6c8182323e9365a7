import type { BookingJson } from "../objects.js";
import { DAY } from "../world.js";
import type { Call, Listing } from "./call.js";
import type { Endpoint } from "./endpoint.js";
import { idsOf, instantOf, strictLimit } from "./parameters.js";
import { badRequest, invalidRequest, notFound } from "./refusal.js";
import { byTime } from "./rows.js";

/** The longest range of `start_at` that one list may cover. */
const LONGEST = 31 * DAY;

export const bookingEndpoints: readonly Endpoint[] = [
  {
    name: "GET /v2/bookings",
    key: "bookings",
    accepts: [
      "limit",
      "cursor",
      "customer_id",
      "team_member_id",
      "location_id",
      "start_at_min",
      "start_at_max",
    ],
    answer: (call) => ({ list: listBookings(call) }),
  },
  {
    name: "POST /v2/bookings/bulk-retrieve",
    key: "bookings",
    accepts: ["booking_ids"],
    answer: ({ present, body }) => {
      const ids = idsOf(body.booking_ids, "booking_ids");
      const bookings = ids.map((id) => {
        const booking = present.get("bookings", id);
        return [id, booking ? { booking, errors: [] } : { errors: [notThere()] }] as const;
      });
      return { object: { bookings: Object.fromEntries(bookings), errors: [] } };
    },
  },
  {
    name: "GET /v2/bookings/{booking_id}",
    key: "booking",
    answer: ({ present, id }) => {
      const booking = present.get("bookings", id);
      if (!booking) throw notFound("Specified booking was not found.");
      return { object: { booking, errors: [] } };
    },
  },
];

/** Without a range: the 31 days from now on, so no history. */
function listBookings({ query, now, listed }: Call): Listing {
  const from = instantOf(query.start_at_min, "start_at_min") ?? now;
  const to = instantOf(query.start_at_max, "start_at_max") ?? from + LONGEST;
  if (to < from)
    throw badRequest("INVALID_TIME_RANGE", "start_at_max lies before start_at_min.", "start_at_max");
  if (to - from > LONGEST) {
    throw badRequest("INVALID_TIME_RANGE", "The time range must be at most 31 days.", "start_at_max");
  }
  const { customer_id, team_member_id, location_id } = query;
  const wanted = (booking: BookingJson): boolean => {
    const start = Date.parse(booking.start_at);
    return (
      start >= from &&
      start <= to &&
      (!customer_id || booking.customer_id === customer_id) &&
      (!location_id || booking.location_id === location_id) &&
      (!team_member_id || booking.appointment_segments.some((one) => one.team_member_id === team_member_id))
    );
  };
  return {
    key: "bookings",
    limit: strictLimit(query.limit, 10_000, 1_000),
    rows: () =>
      byTime(
        listed.all("bookings").filter(wanted),
        (one) => Date.parse(one.start_at),
        ({ id }) => id,
      ),
    // As in Square's example: nothing else of the API says it so.
    beside: (_rows, last) => ({ ...(last && { cursor: null }), errors: [] }),
  };
}

function notThere() {
  return invalidRequest("NOT_FOUND", "Specified booking was not found.", "booking_id");
}
