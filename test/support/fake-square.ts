/**
 * The fake Square with additions for tests: faults on command, lists that lag behind, stored events, a log of
 * requests.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, systemClock } from "../../src/clock.js";
import type { Reply, SquareRequest } from "../../src/simulator/fake-square/api.js";
import type { FakeMerchant } from "../../src/simulator/fake-square/merchant.js";
import { FakeSquare, type FakeSquareOptions } from "../../src/simulator/fake-square/server.js";
import { type Fault, type FaultAim, FaultPlan, type OrderedFault } from "./fault-plan.js";
import { History, type WatchedSalon } from "./history.js";

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const MAINTENANCE = "<!DOCTYPE html><html><body>We'll be right back.</body></html>";
const DAY_MS = 86_400_000;
/** Milliseconds between two bytes of a body that never ends. */
const TRICKLE_MS = 25;

export interface FaultySquareOptions extends Omit<FakeSquareOptions, "merchants"> {
  readonly merchants: readonly FaultyMerchant[];
  /** Whether Square stores events for its event search. The default is no, as at Square. */
  readonly eventsEnabled?: boolean;
  /** The only accepted `Square-Version` header. By default the header may have any value or be missing. */
  readonly requiresVersion?: string;
}

export interface FaultyMerchant {
  /** The salon that is served. If lists lag, start the server before processing events. */
  readonly salon: WatchedSalon;
  readonly accessToken: string;
  /** Whether the token is from OAuth and expires. The default is a personal token. */
  readonly oauth?: boolean;
  /** The token's scopes. The default is every scope that Regulars reads with. */
  readonly scopes?: readonly string[];
}

export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The fault that the request got. */
  readonly fault: Fault["kind"] | undefined;
}

/** @throws {Error} when it cannot listen */
export async function startFakeSquare(options: FaultySquareOptions): Promise<FaultySquare> {
  const square = new FaultySquare(options);
  await square.listen();
  return square;
}

export class FaultySquare extends FakeSquare {
  /** Every request so far, in the order of arrival. */
  readonly requests: LoggedRequest[] = [];
  readonly #lag: Lag;
  readonly #merchants: readonly FaultyMerchant[];
  readonly #version: string | undefined;
  readonly #faults = new FaultPlan();
  /** The pages that a fault repeats, by the cursor that leads to them. */
  readonly #repeated = new Map<string, Page>();
  readonly #given = new Set<unknown>();
  readonly #forgotten = new Set<unknown>();

  constructor({ merchants, eventsEnabled = false, requiresVersion, ...options }: FaultySquareOptions) {
    const { clock = systemClock } = options;
    const lag: Lag = { ms: 0 };
    super({ ...options, merchants: merchants.map((one) => withHistory(one, clock, lag, eventsEnabled)) });
    this.#merchants = merchants;
    this.#lag = lag;
    this.#version = requiresVersion;
  }

  /** The sellers' permissions. */
  get oauth() {
    return this.api.oauth;
  }

  /** The applications' webhook subscriptions. */
  get subscriptions() {
    return this.api.subscriptions;
  }

  /** How many milliseconds lists and searches are behind. Retrievals by id are never behind. */
  set lagMs(ms: number) {
    this.#lag.ms = ms;
  }

  /** Orders a fault for the next requests that match it. */
  fail(fault: Fault, aim?: FaultAim): OrderedFault {
    return this.#faults.add(fault, aim);
  }

  /** Refuses every earlier cursor from now on, as Square does after some minutes. */
  forgetCursors(): void {
    for (const cursor of this.#given) this.#forgotten.add(cursor);
    this.#given.clear();
  }

  protected override async respond(
    request: SquareRequest,
    response: ServerResponse,
    headers: IncomingMessage["headers"],
  ): Promise<void> {
    const { method, path, query } = request;
    const fault = this.#faults.take(request);
    this.requests.push({ method, path, query, fault: fault?.kind });
    const now = this.clock().getTime();
    const isVersion = this.#version === undefined || headers["square-version"] === this.#version;
    const reply = isVersion ? await this.#page(request, fault, now) : errorReply(400, "BAD_VERSION");
    send(response, reply, fault, now);
  }

  async #page(request: SquareRequest, fault: Fault | undefined, now: number): Promise<Reply> {
    const { cursor } = request.method === "GET" ? request.query : JSON.parse(request.body || "{}");
    if (this.#forgotten.has(cursor)) return errorReply(400, "INVALID_CURSOR", "cursor");
    const repeated = this.#repeated.get(cursor);
    const reply = repeated ? { status: 200, body: repeated } : await this.#answer(request, now);
    const page = this.#twisted(reply.body, fault, repeated && cursor);
    if (page.cursor) this.#given.add(page.cursor);
    return { ...reply, body: page };
  }

  /** The API's answer. The status of the token is answered elsewhere. */
  async #answer(request: SquareRequest, now: number): Promise<Reply> {
    const reply = await this.api.answer(request, now);
    const isOf = ({ accessToken }: FaultyMerchant) => request.authorization === `Bearer ${accessToken}`;
    const { oauth = false, scopes } = this.#merchants.find(isOf) ?? {};
    if (request.path === "/oauth2/token/status" && reply.status === 200) {
      const expiry = oauth && { expires_at: new Date(now + 30 * DAY_MS).toISOString() };
      return { status: 200, body: { ...reply.body, ...(scopes && { scopes }), ...expiry } };
    }
    return reply;
  }

  /** With a fault of pages the cursor leads to the same page again or to its second half. */
  #twisted(page: Page, fault: Fault | undefined, cameBy: string | undefined): Page {
    if (fault?.kind === "finds-nobody") return foundNobody(page);
    const [key, rows] = Object.entries(page)[0] ?? [];
    if (!key || !Array.isArray(rows)) return page;
    const next = `again-${this.#repeated.size}`;
    switch (fault?.kind) {
      case "same-cursor":
        return this.#leading(page, cameBy ?? next, page);
      case "ever-new-cursors":
        return this.#leading(page, next, page);
      case "repeated-rows":
        return this.#leading(page, next, { ...page, [key]: rows.slice(Math.floor(rows.length / 2)) });
      default:
        return page;
    }
  }

  #leading(page: Page, cursor: string, to: Page): Page {
    this.#repeated.set(cursor, to);
    return { ...page, cursor };
  }
}

function foundNobody(page: Page): Page {
  const ids = Object.keys(page.responses ?? {});
  return { ...page, responses: Object.fromEntries(ids.map((id) => [id, errorReply(404, "NOT_FOUND").body])) };
}

interface Lag {
  ms: number;
}

type Page = object & { readonly cursor?: string | null; readonly responses?: object };

function withHistory(
  { salon, accessToken }: FaultyMerchant,
  clock: Clock,
  lag: Lag,
  eventsEnabled: boolean,
): FakeMerchant {
  const history = new History(salon);
  const served = {
    get truth() {
      return history.truthAt(clock().getTime());
    },
    get listed() {
      return history.truthAt(clock().getTime() - lag.ms);
    },
    get keptEvents() {
      return eventsEnabled ? history.eventsUntil(clock().getTime() - lag.ms) : [];
    },
  };
  return { salon: served, accessToken };
}

function errorReply(status: number, code: string, field?: string): Reply {
  const categories: Record<number, string> = { 401: "AUTHENTICATION_ERROR", 403: "AUTHENTICATION_ERROR" };
  const category = categories[status] ?? (status < 500 ? "INVALID_REQUEST_ERROR" : "API_ERROR");
  return { status, body: { errors: [{ category, code, detail: "Ordered by a test.", field }] } };
}

const codes: Record<number, string> = { 401: "UNAUTHORIZED", 403: "FORBIDDEN", 429: "RATE_LIMITED" };

/** Sends a reply as the fault says. */
function send(response: ServerResponse, { status, body }: Reply, fault: Fault | undefined, now: number) {
  const text = JSON.stringify(body);
  const half = text.slice(0, Math.ceil(text.length / 2));
  const key = Object.keys(body)[0] ?? "errors";
  const answer = (as: string, code = 200, headers: object = JSON_TYPE) =>
    response.writeHead(code, { ...headers, "content-length": Buffer.byteLength(as) }).end(as);
  switch (fault?.kind) {
    case "status": {
      const code = codes[fault.status] ?? (fault.status < 500 ? "BAD_REQUEST" : "INTERNAL_SERVER_ERROR");
      return answer(JSON.stringify(errorReply(fault.status, code).body), fault.status);
    }
    case "rate-limited": {
      const until = new Date(now + fault.seconds * 1000).toUTCString();
      const retryAfter = fault.as === "date" ? until : String(fault.seconds);
      const headers = { ...JSON_TYPE, "retry-after": retryAfter };
      return answer(JSON.stringify(errorReply(429, "RATE_LIMITED").body), 429, headers);
    }
    case "no-answer":
      return undefined;
    case "reset":
      return response.socket?.resetAndDestroy();
    case "reset-in-body":
      response.writeHead(200, { ...JSON_TYPE, "content-length": Buffer.byteLength(text) });
      return response.write(half, () => response.socket?.resetAndDestroy());
    case "html":
      return answer(MAINTENANCE, 200, { "content-type": "text/html; charset=utf-8" });
    case "empty-errors":
      return answer('{"errors": []}');
    case "errors-with-200":
      return answer(JSON.stringify(errorReply(500, "INTERNAL_SERVER_ERROR").body));
    case "truncated":
      return answer(half);
    case "empty-body":
      return answer("");
    case "wrong-shape":
      return answer(JSON.stringify({ [key]: "oops" }));
    case "endless-body": {
      response.writeHead(200, JSON_TYPE).write(`{"${key}":[`);
      const timer = setInterval(() => response.write(" "), TRICKLE_MS);
      return response.on("close", () => clearInterval(timer));
    }
    default:
      return answer(text, status);
  }
}
