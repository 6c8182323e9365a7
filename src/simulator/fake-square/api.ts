import type { SalonEvent, Truth } from "../ledger.js";
import { bookingEndpoints } from "./bookings.js";
import { customerEndpoints } from "./customers.js";
import { directoryEndpoints } from "./directory.js";
import type { Endpoint, Json } from "./endpoint.js";
import { searchEvents } from "./events.js";
import { Paging } from "./paging.js";
import { paymentEndpoints } from "./payments.js";
import { badRequest, notFound, Refusal, unauthorized } from "./refusal.js";

/** What the fake API knows of a merchant. A simulated salon is one. */
export interface Served {
  /** The objects as they are now, which every retrieval by id answers. */
  readonly truth: Truth;
  /** The objects as lists and searches show them, which at Square may lag behind; `truth` when left out. */
  readonly listed?: Truth;
  /** The events that the event search finds; none when left out, since Square keeps none unless told to. */
  readonly keptEvents?: readonly SalonEvent[];
}

export interface FakeMerchant {
  readonly salon: Served;
  readonly accessToken: string;
}

export interface SquareRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The header `authorization`. */
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly body: object;
}

const endpoints = new Map<string, Endpoint>(
  Object.entries({
    ...directoryEndpoints,
    ...bookingEndpoints,
    ...paymentEndpoints,
    ...customerEndpoints,
    "POST /v2/events": searchEvents,
  }),
);

/** Square's API without its transport: what each request is answered. */
export class FakeSquareApi {
  readonly #merchants: ReadonlyMap<string, Served>;
  readonly #paging = new Paging();

  constructor(merchants: readonly FakeMerchant[]) {
    this.#merchants = new Map(merchants.map(({ accessToken, salon }) => [`Bearer ${accessToken}`, salon]));
  }

  /** @param now Square's present, milliseconds since the epoch: the default time ranges follow from it */
  answer(request: SquareRequest, now: number): Reply {
    try {
      return { status: 200, body: this.#answer(request, now) };
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, body: { errors: [error.error] } };
      throw error;
    }
  }

  #answer({ method, path, query, authorization = "", body }: SquareRequest, now: number): object {
    const salon = this.#merchants.get(authorization);
    if (!salon) throw unauthorized();
    const [, parent, id = ""] = /^(.*\/)([^/]*)$/.exec(path) ?? [];
    const endpoint = endpoints.get(`${method} ${path}`) ?? endpoints.get(`${method} ${parent}{id}`);
    if (!endpoint) throw notFound(`API endpoint for ${method} ${path} is not found.`);
    const { cursor, ...given } = method === "POST" ? readBody(body) : query;
    refuseUnknown(endpoint, given);
    const { truth, listed = truth, keptEvents = [] } = salon;
    const call = { truth, listed, keptEvents, now, id: decodeURIComponent(id), given };
    if ("object" in endpoint) return endpoint.object(call);
    const { limit: _limit, ...bound } = given;
    return this.#paging.page(
      endpoint.list(call),
      JSON.stringify([authorization, method, path, bound]),
      cursor,
    );
  }
}

function readBody(text: string): Json {
  if (text.trim() === "") return {};
  try {
    const body = JSON.parse(text);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  } catch {
    // Refused below like any other body that is no object.
  }
  throw badRequest("EXPECTED_JSON_BODY", "The body is no JSON object.");
}

/** A misspelt parameter would otherwise look like a filter that finds everything. */
function refuseUnknown({ accepts = [] }: Endpoint, given: Json): void {
  const unknown = Object.keys(given).find((name) => !accepts.includes(name));
  if (unknown !== undefined) throw badRequest("UNKNOWN_QUERY_PARAMETER", "Unknown parameter.", unknown);
}
