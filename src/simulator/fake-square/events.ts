import { DAY } from "../world.js";
import type { Endpoint } from "./endpoint.js";
import { byTime, instantOf, objectAt, strictLimit, within, wordOf } from "./parameters.js";

/** The search finds events of this age at most. */
const REACH = 28 * DAY;

/** POST /v2/events. The time of a found event has no zone, as in Square's example. Its webhook has one. */
export const searchEvents: Endpoint = {
  accepts: ["limit", "query"],
  list: ({ given, keptEvents, now }) => {
    const { start_at, end_at } = objectAt(given, "query.filter.created_at");
    const [from, to] = [instantOf(start_at, "start_at") ?? 0, instantOf(end_at, "end_at")];
    const order = wordOf(objectAt(given, "query.sort").order, "query.sort.order", ["DESC", "ASC"]);
    const rows = () => {
      const wanted = keptEvents
        .map(({ event }) => event)
        .filter(({ created_at }) => within(Date.parse(created_at), Math.max(from, now - REACH), to));
      return byTime(wanted, ({ created_at }) => created_at, order).map((event) => ({
        ...event,
        created_at: event.created_at.replace(/Z$/, ""),
      }));
    };
    return { key: "events", limit: strictLimit(given.limit, 100), rows };
  },
};
