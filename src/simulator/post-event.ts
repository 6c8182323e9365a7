import { type Agent, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { RegularsError } from "../errors.js";

/** Why the attempt before failed: no answer in time, an answer other than 2xx, or no connection. */
export type RetryReason = "http_timeout" | "http_error" | "other_error";

/** What Square's headers tell of a delivery. */
export interface DeliveryFacts {
  /** When Square first tried; the present instant when left out. */
  readonly initialDelivery?: Date;
  /** 1 for the first retry; left out of the headers on the first delivery, as by Square. */
  readonly retry?: {
    readonly number: number;
    readonly reason: RetryReason;
  };
  readonly environment?: "Production" | "Sandbox";
}

export interface PostOptions extends DeliveryFacts {
  /** A connection pool of the caller's; without one a shared pool with keep-alive is used. */
  readonly agent?: Agent;
  /** Milliseconds until Square would give up; default 10,000. */
  readonly timeout?: number;
}

export interface PostAnswer {
  readonly status: number;
  readonly body: string;
}

const pools: Readonly<Record<string, Agent>> = {
  "http:": new HttpAgent({ keepAlive: true }),
  "https:": new HttpsAgent({ keepAlive: true }),
};

/**
 * Sends one webhook over HTTP with Square's headers.
 *
 * @param body the exact text that was signed
 * @param signature base64, header `x-square-hmacsha256-signature`
 * @returns whatever the endpoint answered, any status
 * @throws {Error} when no answer comes: refused or reset
 * @throws {RegularsError} `endpoint_timeout` when none comes within the time-out
 */
export function postEvent(
  url: string | URL,
  body: string,
  signature: string,
  options: PostOptions = {},
): Promise<PostAnswer> {
  const target = new URL(url);
  const send = target.protocol === "https:" ? httpsRequest : httpRequest;
  const timeout = options.timeout ?? 10_000;
  return new Promise((resolve, reject) => {
    const agent = options.agent ?? pools[target.protocol];
    const headers = webhookHeaders(body, signature, options);
    const outgoing = send(target, { method: "POST", headers, timeout, ...(agent && { agent }) }, (answer) => {
      readText(answer).then((text) => resolve({ status: answer.statusCode ?? 0, body: text }), reject);
    });
    outgoing.on("timeout", () =>
      outgoing.destroy(new RegularsError("endpoint_timeout", `no answer within ${timeout} ms`)),
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** The headers of a delivery, as Square sends them. */
export function webhookHeaders(
  body: string,
  signature: string,
  options: DeliveryFacts = {},
): Record<string, string | number> {
  const { initialDelivery = new Date(), retry, environment = "Sandbox" } = options;
  return {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": "Square Connect v2",
    "x-square-hmacsha256-signature": signature,
    "square-environment": environment,
    "square-initial-delivery-timestamp": initialDelivery.toISOString(),
    ...(retry && { "square-retry-number": retry.number, "square-retry-reason": retry.reason }),
  };
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
