import { DAY } from "../world.js";
import type { Call, Endpoints, Listing } from "./endpoint.js";
import { byTime, idsOf, instantOf, strictLimit } from "./parameters.js";
import { badRequest, notFoundError } from "./refusal.js";

/** The longest range of `start_at` that one list may cover. */
const LONGEST = 31 * DAY;

export const bookingEndpoints: Endpoints = {
  "GET /v2/bookings": { accepts: ["limit", "start_at_min", "start_at_max"], list: listBookings },
  "POST /v2/bookings/bulk-retrieve": {
    accepts: ["booking_ids"],
    object: ({ truth, given }) => {
      const bookings = idsOf(given.booking_ids, "booking_ids").map((id) => {
        const booking = truth.bookings.get(id);
        const missing = { errors: [notFoundError("Specified booking was not found.")] };
        return [id, booking ? { booking, errors: [] } : missing] as const;
      });
      return { bookings: Object.fromEntries(bookings), errors: [] };
    },
  },
};

/** The range of a list. The default is the next 31 days, without any history. */
function listBookings({ given, now, listed }: Call): Listing {
  const from = instantOf(given.start_at_min, "start_at_min") ?? now;
  const to = instantOf(given.start_at_max, "start_at_max") ?? from + LONGEST;
  if (to < from || to - from > LONGEST) {
    throw badRequest("INVALID_TIME_RANGE", "The time range must be 0 to 31 days.", "start_at_max");
  }
  const rows = () => {
    const wanted = [...listed.bookings.values()].filter(({ start_at }) => {
      const start = Date.parse(start_at);
      return start >= from && start <= to;
    });
    return byTime(wanted, ({ start_at }) => start_at);
  };
  // As in Square's example: nothing else of the API says it so.
  const beside = (_rows: readonly object[], last: boolean) => ({ ...(last && { cursor: null }), errors: [] });
  return { key: "bookings", limit: strictLimit(given.limit, 10_000, 1_000), rows, beside };
}
