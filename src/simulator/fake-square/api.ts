import { bookingEndpoints } from "./bookings.js";
import { customerEndpoints } from "./customers.js";
import { directoryEndpoints } from "./directory.js";
import type { Endpoint, Json } from "./endpoint.js";
import { searchEvents } from "./events.js";
import type { FakeMerchant, Served } from "./merchant.js";
import { type FakeApplication, FakeOAuth } from "./oauth.js";
import { Paging } from "./paging.js";
import { paymentEndpoints } from "./payments.js";
import { badRequest, notFound, Refusal, unauthorized } from "./refusal.js";
import { FakeSubscriptions, SUBSCRIPTIONS } from "./subscriptions.js";

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

/** Square's API without the transport: it answers requests. */
export class FakeSquareApi {
  readonly #merchants: Map<string, Served>;
  readonly #paging = new Paging();
  /** Sellers connect to its applications. */
  readonly oauth: FakeOAuth;
  /** The applications' webhook subscriptions. */
  readonly subscriptions: FakeSubscriptions;

  /** @param onRevoked is told which application has given a seller's permission back */
  constructor(
    merchants: readonly FakeMerchant[],
    applications: readonly FakeApplication[] = [],
    onRevoked: (application: FakeApplication, merchantId: string) => void = () => {},
  ) {
    this.oauth = new FakeOAuth(applications, merchants, onRevoked);
    this.subscriptions = new FakeSubscriptions(applications, this.#paging);
    this.#merchants = new Map(merchants.map(({ accessToken, salon }) => [`Bearer ${accessToken}`, salon]));
  }

  /** @param now Square's present, milliseconds since the epoch; default time ranges depend on it */
  async answer(request: SquareRequest, now: number): Promise<Reply> {
    try {
      return { status: 200, body: await this.#answer(request, now) };
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, body: { errors: [error.error] } };
      throw error;
    }
  }

  #answer(request: SquareRequest, now: number): object | Promise<object> {
    const { method, path, query, authorization = "", body } = request;
    if (method === "POST" && path === "/oauth2/token") return this.oauth.token(readBody(body), now);
    if (method === "POST" && path === "/oauth2/revoke")
      return this.oauth.revoke(readBody(body), authorization);
    const granted = this.oauth.granted(authorization, now);
    if (granted && path === "/oauth2/token/status") return granted.status;
    const salon = granted?.salon ?? this.#merchants.get(authorization);
    if (path.startsWith(SUBSCRIPTIONS)) {
      const given = method === "GET" ? query : readBody(body);
      return this.subscriptions.answer({ method, path, authorization, given }, salon !== undefined, now);
    }
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
    // Refused below, like every body that is not an object.
  }
  throw badRequest("EXPECTED_JSON_BODY", "The body is no JSON object.");
}

/** Refuses unknown parameters. Otherwise a misspelt filter would find everything. */
function refuseUnknown({ accepts = [] }: Endpoint, given: Json): void {
  const unknown = Object.keys(given).find((name) => !accepts.includes(name));
  if (unknown !== undefined) throw badRequest("UNKNOWN_QUERY_PARAMETER", "Unknown parameter.", unknown);
}
