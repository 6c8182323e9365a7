import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../clock.js";
import type { SalonEvent } from "../ledger.js";
import { FakeSquareApi, type SquareRequest } from "./api.js";
import { FakeDeliveries } from "./deliveries.js";
import type { FakeMerchant } from "./merchant.js";
import type { FakeApplication, FakeOAuth } from "./oauth.js";

export interface FakeSquareOptions {
  readonly merchants: readonly FakeMerchant[];
  /** The applications that sellers may connect to. */
  readonly applications?: readonly FakeApplication[];
  /** Square's clock. The default is the system's. */
  readonly clock?: Clock;
  /** The port on 127.0.0.1. The default, 0, is any free port. */
  readonly port?: number;
  /** The waits before a failed delivery is repeated. The default is Square's: 1, 2, 4 minutes and so on for a day. */
  readonly retryAfterMs?: readonly number[];
}

/**
 * Square's API over simulated salons, on a real socket. It has the shapes, limits and defaults of the calls that
 * Regulars makes.
 * @throws {Error} the server cannot listen
 */
export async function startFakeSquare(options: FakeSquareOptions): Promise<FakeSquare> {
  const square = new FakeSquare(options);
  await square.listen();
  return square;
}

export class FakeSquare {
  protected readonly api: FakeSquareApi;
  protected readonly clock: Clock;
  readonly #deliveries: FakeDeliveries;
  readonly #port: number;
  readonly #server: Server;

  constructor({ merchants, applications, clock = systemClock, port = 0, retryAfterMs }: FakeSquareOptions) {
    this.api = new FakeSquareApi(merchants, applications, (application, merchantId) => {
      void this.#deliveries.sendRevocation(application, merchantId, this.clock());
    });
    this.#deliveries = new FakeDeliveries(this.api, retryAfterMs);
    this.clock = clock;
    this.#port = port;
    this.#server = createServer((incoming, response) => {
      read(incoming)
        .then((request) =>
          request.path === "/oauth2/authorize"
            ? authorize(this.api.oauth, request, response, this.clock().getTime())
            : this.respond(request, response, incoming.headers),
        )
        .catch((error) => response.destroy(error));
    });
  }

  /** Base URL, without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port: this.#port, host: "127.0.0.1" }, () => resolve());
    });
  }

  /**
   * Sends events of a merchant to the subscriptions of the applications that the merchant has connected to. Resolves
   * after the first attempts. Failed deliveries are repeated until the fake Square closes.
   */
  deliver(events: readonly SalonEvent[]): Promise<void> {
    return this.#deliveries.send(events);
  }

  /** Closes every connection, also waiting ones. */
  async close(): Promise<void> {
    this.#deliveries.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Answers one request. Tests override it to break the answer. */
  protected async respond(
    request: SquareRequest,
    response: ServerResponse,
    _headers: IncomingMessage["headers"],
  ): Promise<void> {
    const { status, body } = await this.api.answer(request, this.clock().getTime());
    const text = JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(text);
  }
}

/** The page with which a seller allows or denies access. It is for browsers, so it is not part of the API. */
function authorize(oauth: FakeOAuth, request: SquareRequest, response: ServerResponse, now: number): void {
  const given = { ...request.query, ...Object.fromEntries(new URLSearchParams(request.body)) };
  const page = request.method === "POST" ? oauth.decide(given, now) : oauth.ask(given);
  if ("location" in page) response.writeHead(303, { location: page.location }).end();
  else response.writeHead(page.status, { "content-type": "text/html; charset=utf-8" }).end(page.html);
}

async function read(incoming: IncomingMessage): Promise<SquareRequest> {
  const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://square");
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? "GET",
    path: pathname,
    query: Object.fromEntries(searchParams),
    authorization: incoming.headers.authorization,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}
