import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../clock.js";
import { bookingEndpoints } from "./bookings.js";
import type { Answer, Call, CallMerchant, Json } from "./call.js";
import { customerEndpoints } from "./customers.js";
import { directoryEndpoints } from "./directory.js";
import type { Endpoint } from "./endpoint.js";
import { eventEndpoints } from "./events.js";
import { type Fault, type FaultAim, FaultPlan, type OrderedFault } from "./faults.js";
import { History } from "./history.js";
import type { FakeSquareOptions, LoggedRequest } from "./options.js";
import { Paging } from "./paging.js";
import { paymentEndpoints } from "./payments.js";
import { badRequest, notFound, Refusal, unauthorized } from "./refusal.js";
import { errorReply, type Reply, rateLimited, replacement, send, twistOf } from "./respond.js";
import { type Found, Router } from "./router.js";

export type { Fault, FaultAim, FaultKind, OrderedFault } from "./faults.js";
export type { Served } from "./history.js";
export type { FakeMerchant, FakeSquareOptions, LoggedRequest } from "./options.js";

/** The version of Square's API that the objects are shaped by. */
const API_VERSION = "2026-09-16";

const SCOPES = [
  "MERCHANT_PROFILE_READ",
  "APPOINTMENTS_READ",
  "APPOINTMENTS_ALL_READ",
  "APPOINTMENTS_BUSINESS_SETTINGS_READ",
  "CUSTOMERS_READ",
  "EMPLOYEES_READ",
  "ITEMS_READ",
  "ORDERS_READ",
  "PAYMENTS_READ",
];

/**
 * Square's API over simulated salons, on a real socket: the shapes, limits and surprising defaults of the calls that
 * Regulars makes, and faults on command.
 * @throws {Error} when it cannot listen
 */
export async function startFakeSquare(options: FakeSquareOptions): Promise<FakeSquare> {
  const square = new FakeSquare(options);
  await square.listen();
  return square;
}

export class FakeSquare {
  /** Every request so far, in the order of arrival. */
  readonly requests: LoggedRequest[] = [];
  /** How far lists and searches are behind, milliseconds; may be changed at any time. */
  lagMs: number;
  readonly #options: FakeSquareOptions;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #router: Router;
  readonly #faults = new FaultPlan();
  readonly #paging = new Paging();
  readonly #merchants = new Map<string, CallMerchant>();
  readonly #recent = new Map<string, number[]>();

  constructor(options: FakeSquareOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.lagMs = options.lagMs ?? 0;
    for (const merchant of options.merchants) {
      const { salon, accessToken, oauth = false, scopes = SCOPES, subscriptions = [] } = merchant;
      const history = new History(salon, options.eventsEnabled ?? false);
      const { id } = salon.truth.merchant;
      this.#merchants.set(accessToken, { history, id, oauth, scopes, subscriptions });
    }
    this.#router = new Router([
      ...directoryEndpoints,
      ...bookingEndpoints,
      ...paymentEndpoints,
      ...customerEndpoints,
      ...eventEndpoints({
        enable: (enabled) => this.enableEvents(enabled),
        oauthStatus: options.oauthEventsStatus ?? 403,
        apiVersion: API_VERSION,
      }),
    ]);
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => response.destroy(error));
    });
  }

  /** Base URL, without a slash at the end. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  }

  /** Requests by endpoint, such as `GET /v2/payments`. */
  get counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { endpoint } of this.requests) counts[endpoint] = (counts[endpoint] ?? 0) + 1;
    return counts;
  }

  /** Orders a fault for the next requests it is aimed at. */
  fail(fault: Fault, aim?: FaultAim): OrderedFault {
    return this.#faults.add(fault, aim);
  }

  /** Whether events are kept for the search from now on, as PUT /v2/events/enable and disable do. */
  enableEvents(enabled: boolean): void {
    for (const { history } of this.#merchants.values()) history.recordEvents = enabled;
  }

  /** Every cursor given so far is refused from now on, as by Square after some minutes. */
  forgetCursors(): void {
    this.#paging.forget();
  }

  async listen(): Promise<void> {
    const { port = 0, host = "127.0.0.1" } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host }, () => resolve());
    });
  }

  /** Ends every connection, waiting ones too. */
  async close(): Promise<void> {
    for (const { history } of this.#merchants.values()) history.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request);
    const method = request.method ?? "GET";
    const url = new URL(request.url ?? "/", "http://square");
    const query = Object.fromEntries(url.searchParams);
    const found = this.#router.find(method, url.pathname);
    const merchant = this.#merchantOf(request);
    const endpoint = found?.endpoint.name ?? `${method} ${url.pathname}`;
    const fault = this.#faults.take({ endpoint, path: url.pathname, query });
    const squareVersion = request.headers["square-version"];
    const logged: LoggedRequest = {
      endpoint,
      method,
      path: url.pathname,
      query,
      squareVersion: typeof squareVersion === "string" ? squareVersion : undefined,
      merchantId: merchant?.id ?? null,
      fault: fault?.kind,
      status: null,
    };
    this.requests.push(logged);
    const reply =
      replacement(fault, this.#clock().getTime()) ?? this.#reply({ found, merchant, logged, text, fault });
    logged.status = send(response, reply, fault, found?.endpoint.key ?? "errors");
  }

  #merchantOf(request: IncomingMessage): CallMerchant | undefined {
    const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    return this.#merchants.get(token);
  }

  #reply(asked: Asked): Reply {
    try {
      const { merchant, found, logged } = asked;
      if (!merchant) throw unauthorized();
      const wait = this.#tooSoon(merchant);
      if (wait > 0) return rateLimited(String(Math.ceil(wait / 1000)));
      this.#checkVersion(logged.squareVersion);
      if (!found) throw notFound(`API endpoint for ${logged.method} ${logged.path} is not found.`);
      return { status: 200, body: this.#answer(merchant, found, asked) };
    } catch (error) {
      if (error instanceof Refusal) return errorReply(error.status, error.error);
      throw error;
    }
  }

  #answer(merchant: CallMerchant, { endpoint, id }: Found, { logged, text, fault }: Asked): object {
    const { query } = logged;
    const body = logged.method === "POST" ? readBody(text) : {};
    refuseUnknown(endpoint, { ...query, ...body });
    const now = this.#clock().getTime();
    const listedAt = now - this.lagMs;
    const { history } = merchant;
    const call: Call = {
      merchant,
      now,
      listedAt,
      id,
      query,
      body,
      present: history.at(now),
      listed: history.at(listedAt),
    };
    const answer: Answer = endpoint.answer(call);
    if ("object" in answer) return answer.object;
    const { cursor, limit: _limit, ...bound } = { ...query, ...body } as Json;
    const key = JSON.stringify([merchant.id, endpoint.name, bound]);
    return this.#paging.page(answer.list, key, cursor, twistOf(fault));
  }

  #checkVersion(given: string | undefined): void {
    const { requiresVersion } = this.#options;
    if (requiresVersion === undefined || given === requiresVersion) return;
    throw badRequest("BAD_REQUEST", "This test takes another Square-Version.", "Square-Version");
  }

  /** @returns milliseconds until the merchant may ask again; 0 when it may now, which then counts */
  #tooSoon({ id }: CallMerchant): number {
    const { rateLimit, rateClock = () => performance.now() } = this.#options;
    if (rateLimit === undefined) return 0;
    const now = rateClock();
    const recent = (this.#recent.get(id) ?? []).filter((at) => at > now - 1000);
    this.#recent.set(id, recent);
    if (recent.length >= rateLimit) return (recent[0] ?? now) + 1000 - now;
    recent.push(now);
    return 0;
  }
}

interface Asked {
  readonly found: Found | undefined;
  readonly merchant: CallMerchant | undefined;
  readonly logged: LoggedRequest;
  readonly text: string;
  readonly fault: Fault | undefined;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
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
