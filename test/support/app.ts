/** The real server on a test database. The test moves its clock and reads its logs. */
import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { onTestFinished } from "vitest";
import { handlerFor } from "../../handlers/registry.js";
import { type App, type AppParts, buildApp } from "../../src/app.js";
import type { Database } from "../../src/database/database.js";
import { Inbox, type InboxOptions } from "../../src/inbox/inbox.js";
import { LiveFeed } from "../../src/inbox/live-feed.js";
import { processBatch } from "../../src/inbox/process-batch.js";
import { interpret, type Outcome } from "../../src/inbox/received-event.js";
import { openLog, silentLog } from "../../src/log.js";
import { openConnections } from "../../src/operations/connections.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { signBody } from "../../src/square/signature.js";
import { Sweeps } from "../../src/sweep/background.js";
import type { SweepContext } from "../../src/sweep/sweep.js";
import type { AnyJson } from "./any-json.js";
import { emptyDatabase } from "./database.js";
import { bodyOf, MERCHANT, received } from "./events.js";

export const NOW = new Date("2026-06-01T12:00:00Z");
export const SIGNATURE_KEY = "signature key of the tests";
export const NOTIFICATION_URL = "https://regulars.example/webhooks/square?from=square";
export const ADMIN_KEY = "admin-key-of-the-tests";

/** The headers of a request with the admin key. */
export const adminHeaders = { authorization: `Bearer ${ADMIN_KEY}` };

export const testConfig = {
  webhook: { signatureKeys: [SIGNATURE_KEY], notificationUrl: NOTIFICATION_URL },
  adminApiKey: ADMIN_KEY,
} as const;

export class TestClock {
  now = NOW;
  readonly read = () => this.now;
  advance(milliseconds: number): void {
    this.now = new Date(this.now.getTime() + milliseconds);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly json: AnyJson;
}

export type Headers = Record<string, string | string[]>;

/** How a test sends a delivery: by injection, or over a real connection. */
export type Post = (body: string | Buffer, headers?: Headers) => Promise<Answer>;

export interface TestApp extends App {
  readonly sweeps: Sweeps;
  /** Stops its parts as `serve` does. */
  readonly stop: () => Promise<void>;
  readonly clock: TestClock;
  readonly logLines: readonly string[];
  readonly inject: Post;
  /** Sends over a socket. The first call makes the server listen. */
  readonly send: Post;
  /** Signs an event and injects it. */
  readonly deliver: (event: unknown) => Promise<Answer>;
}

export interface TestAppOptions {
  readonly config?: AppParts["config"];
  readonly signatureKeys?: string[];
  readonly inbox?: Partial<InboxOptions>;
  /** The folder of the built dashboard. */
  readonly dashboard?: string;
  readonly replica?: AppParts["replica"];
  readonly subscription?: AppParts["subscription"];
  readonly csvPage?: number;
  /** Parts of the sweeps' context that replace the app's own. */
  readonly sweeping?: Partial<SweepContext>;
}

/**
 * Builds the app. It checks each answer against the route's schema. It is closed at the end of the test.
 */
export async function openTestApp(database: Database, options: TestAppOptions = {}): Promise<TestApp> {
  const { signatureKeys = [SIGNATURE_KEY] } = options;
  const { config = { ...testConfig, webhook: { ...testConfig.webhook, signatureKeys } } } = options;
  const clock = new TestClock();
  const { log, logLines } = openTestLog();
  const inbox = openInbox(database, { clock: clock.read, log, ...options.inbox });
  const feed = new LiveFeed(database, log);
  inbox.onChanges((changes) => feed.publish(changes));
  feed.start();
  const openApi = () => {
    throw new Error("this app asks nothing of Square");
  };
  const stopping = new AbortController();
  const context = { database, clock: clock.read, log, inbox, openApi, signal: stopping.signal };
  const sweeps = new Sweeps({ ...context, ...options.sweeping });
  const { dashboard, replica, subscription, csvPage } = options;
  const connections = openConnections({ ...context, ...options.sweeping });
  const parts = {
    config,
    database,
    replica,
    subscription,
    clock: clock.read,
    inbox,
    feed,
    sweeps,
    connections,
    log,
    dashboard,
    csvPage,
  };
  const app = await buildApp(parts);
  app.http.checksAnswers = true;
  const stop = async () => {
    stopping.abort();
    await app.http.close();
    await sweeps.idle();
    await inbox.close();
    await feed.stop();
  };
  onTestFinished(stop);
  const inject: Post = async (body, headers = {}) => {
    const {
      statusCode,
      headers: answered,
      body: text,
    } = await app.http.inject({
      method: "POST",
      url: "/webhooks/square",
      headers: { "content-type": "application/json", ...headers },
      payload: body,
    });
    return answer(statusCode, answered, text);
  };
  return {
    ...app,
    sweeps,
    stop,
    clock,
    logLines,
    inject,
    send: async (body, headers) => postOverSocket(await portOf(app), body, headers),
    deliver: (event) => inject(bodyOf(event), signed(bodyOf(event))),
  };
}

/** Empties the database, adds the salon, and opens the app. `salon` is the organization's id. */
export async function openSalonApp(database: Database): Promise<{ app: TestApp; salon: string }> {
  await emptyDatabase(database);
  const salon = await addSalon(database);
  return { app: await openTestApp(database), salon };
}

/** A log like the server's, whose lines can be read. */
export function openTestLog(level: Parameters<typeof openLog>[0] = "trace") {
  const logLines: string[] = [];
  const write = (line: string, _encoding: string, done: () => void) => {
    logLines.push(line);
    done();
  };
  return { log: openLog(level, new Writable({ decodeStrings: false, write })), logLines };
}

/** An inbox without a server. */
export function openInbox(
  database: Pick<Database, "pool" | "kind">,
  options: Partial<InboxOptions> = {},
): Inbox {
  return new Inbox({ database, clock: () => NOW, log: silentLog, ...options });
}

/** @returns the id of the salon that the events of test/support/events.ts are about */
export async function addSalon(database: Database, merchantId = MERCHANT): Promise<string> {
  const { id } = await addOrganization(database, { merchantId, name: "Harbor Salon" }, NOW);
  return id;
}

export function signed(body: string | Buffer, key = SIGNATURE_KEY): Headers {
  return { "x-square-hmacsha256-signature": signBody(key, NOTIFICATION_URL, body) };
}

async function portOf({ http }: App): Promise<number> {
  if (!http.server.listening) await http.listen({ host: "127.0.0.1", port: 0 });
  return (http.server.address() as AddressInfo).port;
}

async function postOverSocket(port: number, body: string | Buffer, headers: Headers = {}): Promise<Answer> {
  const outgoing = request({
    port,
    host: "127.0.0.1",
    method: "POST",
    path: "/webhooks/square",
    agent: false,
    headers: { "content-type": "application/json", ...headers },
  });
  const answered = once(outgoing, "response");
  // The server may answer and close the connection before the whole body is sent.
  outgoing.on("error", () => {});
  outgoing.end(body);
  const [incoming] = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return answer(incoming.statusCode, incoming.headers, Buffer.concat(chunks).toString());
}

function answer(status: number, headers: Readonly<Record<string, unknown>>, text: string): Answer {
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/** Processes events of one organization. Each given batch has a transaction, one after the other. */
export async function processInBatches(
  { pool }: Database,
  organizationId: string,
  batches: readonly (readonly unknown[])[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const batch of batches) {
    const events = batch.map((json) => {
      const event = received(json);
      const interpretation = interpret(event, handlerFor);
      return { event, source: "webhook", receivedAt: NOW, interpretation, attempts: 1 } as const;
    });
    const result = await processBatch(pool, { organizationId, events, now: NOW, mode: "new" });
    outcomes.push(...result.outcomes);
  }
  return outcomes;
}
