import { parseBooking } from "../src/square/schemas.js";
import type { Handler } from "./handler.js";

/** Every change of a booking arrives as `booking.updated`: accepted, moved, cancelled, declined, no-show. */
export const booking: Handler = {
  eventTypes: ["booking.created", "booking.updated"],
  interpret: ({ data }) => [
    { kind: "booking", value: parseBooking(data.object?.booking, { versionedId: data.id }) },
  ],
};
