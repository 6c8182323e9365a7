import { eventTypes, type SquareEventJson } from "../objects.js";
import { DAY } from "../world.js";
import type { Call, Listing } from "./call.js";
import type { Endpoint } from "./endpoint.js";
import { instantOf, objectOf, strictLimit, textsOf, wordOf } from "./parameters.js";
import { forbidden } from "./refusal.js";
import { byTime, within } from "./rows.js";

/** How far back events can be searched. */
const REACH = 28 * DAY;

/** What the application has set for its events, for all merchants alike. */
export interface EventSearch {
  enable(enabled: boolean): void;
  /** How a token of OAuth is answered. */
  readonly oauthStatus: 401 | 403;
  /** Version of the payloads, told beside each event. */
  readonly apiVersion: string;
}

export function eventEndpoints(search: EventSearch): readonly Endpoint[] {
  const switched = (enabled: boolean) => () => {
    search.enable(enabled);
    return { object: {} };
  };
  return [
    {
      name: "POST /v2/events",
      key: "events",
      accepts: ["cursor", "limit", "query"],
      answer: (call) => {
        if (call.merchant.oauth) {
          throw forbidden(search.oauthStatus, "Events are searched with a personal access token only.");
        }
        return { list: searchEvents(call, search.apiVersion) };
      },
    },
    { name: "PUT /v2/events/enable", key: "events", answer: switched(true) },
    { name: "PUT /v2/events/disable", key: "events", answer: switched(false) },
    {
      name: "GET /v2/events/types",
      key: "event_types",
      accepts: ["api_version"],
      answer: () => ({
        object: {
          event_types: eventTypes,
          metadata: eventTypes.map((event_type) => ({
            event_type,
            api_version_introduced: search.apiVersion,
            release_status: "PUBLIC",
          })),
        },
      }),
    },
  ];
}

function searchEvents({ body, merchant, now, listedAt }: Call, apiVersion: string): Listing {
  const query = objectOf(body.query, "query");
  const filter = objectOf(query.filter, "query.filter");
  const { start_at, end_at } = objectOf(filter.created_at, "query.filter.created_at");
  const [from, to] = [instantOf(start_at, "created_at.start_at"), instantOf(end_at, "created_at.end_at")];
  const types = textsOf(filter.event_types, "query.filter.event_types");
  const merchants = textsOf(filter.merchant_ids, "query.filter.merchant_ids");
  const locations = textsOf(filter.location_ids, "query.filter.location_ids");
  const order = wordOf(objectOf(query.sort, "query.sort").order, "query.sort.order", ["DESC", "ASC"]);
  const wanted = (event: SquareEventJson): boolean =>
    within(createdAt(event), Math.max(from ?? 0, now - REACH), to) &&
    (!types || types.includes(event.type)) &&
    (!merchants || merchants.includes(event.merchant_id)) &&
    (!locations || (event.location_id !== undefined && locations.includes(event.location_id)));
  const rows = (): readonly SquareEventJson[] => {
    const made = merchant.history.events.flatMap(({ at, event }) => (at.getTime() <= listedAt ? event : []));
    return byTime(made.filter(wanted), createdAt, ({ event_id }) => event_id, order).map(withoutZone);
  };
  const beside = (page: readonly object[]): object => ({
    metadata: (page as readonly SquareEventJson[]).map(({ event_id }) => ({
      api_version: apiVersion,
      event_id,
    })),
  });
  return { key: "events", limit: strictLimit(body.limit, 100), rows, beside };
}

function createdAt({ created_at }: SquareEventJson): number {
  return Date.parse(created_at);
}

/** In Square's example the time of a found event lacks its zone; the same event's webhook has it. */
function withoutZone(event: SquareEventJson): SquareEventJson {
  return { ...event, created_at: event.created_at.replace(/Z$/, "") };
}
