import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished } from "vitest";
import type { SquareApi } from "../../../src/square/api/api.js";
import { SquareApiError } from "../../../src/square/api/api-error.js";
import { openSquareApi, type SquareApiOptions } from "../../../src/square/api/client.js";

export const TOKEN = "EAAA-secret-token-of-the-seller";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** The body as text: what matters is how numbers are written. */
  readonly body: string;
}

/** Answers one request. Called once for each, with how many came before. */
export type Answer = (response: ServerResponse, request: Seen, before: number) => void;

/** A server for one test. */
export async function serverThat(answer: Answer): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const url = await listen(async (incoming, response) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://local");
    const request = {
      method: incoming.method ?? "",
      path: pathname,
      query: searchParams,
      headers: incoming.headers,
      body,
    };
    seen.push(request);
    answer(response, request, seen.length - 1);
  });
  return { url, seen };
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function json(text: string | object, status = 200, headers: Record<string, string> = {}): Answer {
  const body = typeof text === "string" ? text : JSON.stringify(text);
  return (response) => {
    response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers }).end(body);
  };
}

/** Square's way to refuse. */
export function refusal(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return json(
    { errors: [{ category: "INVALID_REQUEST_ERROR", code, detail: "Private detail" }] },
    status,
    headers,
  );
}

/** The answers one after the other, the last one for ever. */
export function inTurn(...answers: [Answer, ...Answer[]]): Answer {
  return (response, request, before) => {
    const answer = answers[Math.min(before, answers.length - 1)] as Answer;
    answer(response, request, before);
  };
}

/** Time that passes only while somebody waits for it. */
export function passingTime(start = Date.parse("2026-03-08T12:00:00Z")) {
  const waits: number[] = [];
  let now = start;
  return {
    waits,
    now: () => now,
    wait: async (ms: number) => {
      waits.push(ms);
      now += ms;
    },
  };
}

/** A client whose waiting takes no time, without jitter and without a rate, so that only waits between attempts are seen. */
export function clientOf(url: string, options: Partial<SquareApiOptions> = {}): SquareApi {
  const { now, wait } = passingTime();
  return openSquareApi({
    accessToken: TOKEN,
    // A merchant keeps its rate for as long as the process lives, and another test may listen on the same port.
    merchantId: `MERCHANT of ${expect.getState().currentTestName}`,
    environment: "sandbox",
    baseUrl: url,
    requestsPerSecond: Number.POSITIVE_INFINITY,
    random: () => 0,
    now,
    wait,
    ...options,
  });
}

/** The error of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<SquareApiError> {
  const error = await call.then(
    () => new Error("The call did not fail"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SquareApiError) return error;
  throw error;
}

const from = new Date("2026-03-01T00:00:00Z");
const to = new Date("2026-03-20T10:30:00.250Z");
const updated = { updatedFrom: from, updatedTo: to };

/** Every method with its request and the smallest full answer; lists name their key. */
export const everyCall: readonly {
  readonly name: keyof SquareApi;
  readonly call: (api: SquareApi, cursor?: string) => Promise<unknown>;
  readonly request: string;
  readonly list?: string;
  readonly answer: object;
}[] = [
  {
    name: "merchant",
    call: (api) => api.merchant(),
    request: "GET /v2/merchants/me",
    answer: { merchant: { id: "M" } },
  },
  {
    name: "tokenStatus",
    call: (api) => api.tokenStatus(),
    request: "POST /oauth2/token/status",
    answer: { merchant_id: "M", scopes: ["PAYMENTS_READ"] },
  },
  {
    name: "locations",
    call: (api) => api.locations(),
    request: "GET /v2/locations",
    answer: { locations: [{ id: "L" }] },
  },
  {
    name: "bookings",
    call: (api, cursor) => api.bookings({ startAtMin: from, startAtMax: to, ...(cursor && { cursor }) }),
    request: "GET /v2/bookings",
    list: "bookings",
    answer: { bookings: [{ id: "B" }] },
  },
  {
    name: "bookingsById",
    call: (api) => api.bookingsById(["B"]),
    request: "POST /v2/bookings/bulk-retrieve",
    answer: { bookings: { B: { booking: { id: "B" } } } },
  },
  {
    name: "payments",
    call: (api, cursor) => api.payments({ ...updated, locationId: "L", ...(cursor && { cursor }) }),
    request: "GET /v2/payments",
    list: "payments",
    answer: { payments: [{ id: "P" }] },
  },
  {
    name: "payment",
    call: (api) => api.payment("P"),
    request: "GET /v2/payments/P",
    answer: { payment: { id: "P" } },
  },
  {
    name: "refunds",
    call: (api, cursor) => api.refunds({ ...updated, ...(cursor && { cursor }) }),
    request: "GET /v2/refunds",
    list: "refunds",
    answer: { refunds: [{ id: "R" }] },
  },
  {
    name: "customersUpdated",
    call: (api, cursor) => api.customersUpdated({ ...updated, ...(cursor && { cursor }) }),
    request: "POST /v2/customers/search",
    list: "customers",
    answer: { customers: [{ id: "C" }] },
  },
  {
    name: "customers",
    call: (api, cursor) => api.customers({ ...(cursor && { cursor }) }),
    request: "GET /v2/customers",
    list: "customers",
    answer: { customers: [{ id: "C" }] },
  },
  {
    name: "customersById",
    call: (api) => api.customersById(["C"]),
    request: "POST /v2/customers/bulk-retrieve",
    answer: { responses: { C: { customer: { id: "C" } } } },
  },
  {
    name: "teamMembers",
    call: (api, cursor) => api.teamMembers({ ...(cursor && { cursor }) }),
    request: "POST /v2/team-members/search",
    list: "team_members",
    answer: { team_members: [{ id: "T" }] },
  },
  {
    name: "catalog",
    call: (api, cursor) => api.catalog({ changedAfter: from, ...(cursor && { cursor }) }),
    request: "POST /v2/catalog/search",
    list: "objects",
    answer: { objects: [{ id: "V" }] },
  },
  {
    name: "ordersById",
    call: (api) => api.ordersById(["O"]),
    request: "POST /v2/orders/batch-retrieve",
    answer: { orders: [{ id: "O" }] },
  },
  {
    name: "events",
    call: (api, cursor) => api.events({ createdFrom: from, createdTo: to, ...(cursor && { cursor }) }),
    request: "POST /v2/events",
    list: "events",
    answer: { events: [{ event_id: "E" }] },
  },
];
