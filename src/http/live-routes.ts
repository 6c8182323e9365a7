import type { ServerResponse } from "node:http";
import fp from "fastify-plugin";
import { z } from "zod";
import type { Database } from "../database/database.js";
import type { LiveFeed, News } from "../inbox/live-feed.js";
import { type ApiInstance, security } from "./openapi.js";
import { Problem } from "./problem.js";
import { adminErrors, organizationParams, requireOrganization } from "./schemas.js";
import { securityHeaders } from "./security-headers.js";

declare module "fastify" {
  interface FastifyInstance {
    openStreams: Set<EventStream>;
  }
  interface FastifyContextConfig {
    /** The answer never ends by itself, so a stop does not wait for it. */
    isStream?: boolean;
  }
}

const CHANGES_A_SECOND = 10;
const HEARTBEAT_MS = 15_000;

/** A reader with more unread bytes than this is disconnected. Browsers reconnect. */
const UNREAD_BYTES = 64 * 1024;

/**
 * A stream ends after this time and its reader reconnects. So a reader whose key is no longer valid cannot continue.
 */
const LASTS_MS = 60 * 60_000;

const MOST_STREAMS = 500;

/** Ends the streams when the server stops. It must be registered before `draining`, which waits for answers. */
export const liveStreams = fp(async (app) => {
  const streams = new Set<EventStream>();
  app.decorate("openStreams", streams);
  app.addHook("preClose", async () => {
    for (const stream of streams) stream.end();
  });
});

/** Sends committed changes as server-sent events. */
export function liveRoutes({ database, feed }: { database: Database; feed: Pick<LiveFeed, "subscribe"> }) {
  return async (app: ApiInstance) => {
    app.get(
      "/api/organizations/:organizationId/live",
      {
        exposeHeadRoute: false,
        config: { isStream: true },
        schema: {
          summary: "Changes as they happen, as server-sent events",
          description:
            "`event: change` with `id` and `data: { event_id, event_type, at, customer_ids, columns }`, at most 10 a second; " +
            "for further ones `event: many` with `data: { count }`, where 0 is an unknown number. A comment each 15 seconds. " +
            "The stream ends after an hour. A reader that connects again reads anew what it shows: what it missed is not told again.",
          tags: ["Live"],
          security: [...security.admin],
          params: organizationParams,
          querystring: z.strictObject({}),
          produces: ["text/event-stream"],
          response: {
            200: { description: "A stream", content: { "text/event-stream": { schema: z.string() } } },
            ...adminErrors,
          },
        },
      },
      async ({ params }, reply) => {
        const { organizationId } = params;
        const { id } = await requireOrganization(database, organizationId);
        if (app.openStreams.size >= MOST_STREAMS) {
          throw new Problem(503, "too_many_streams", "Too many streams are open.", { retryAfterSeconds: 30 });
        }
        reply.hijack();
        // A reader who left during the lookup closes nothing any more, so its stream would stay open for good.
        if (reply.raw.destroyed) return;
        const stream = new EventStream(reply.raw);
        app.openStreams.add(stream);
        const unsubscribe = feed.subscribe(id, (news) => stream.send(news));
        reply.raw.once("close", () => {
          unsubscribe();
          app.openStreams.delete(stream);
          stream.end();
        });
      },
    );
  };
}

/** One reader's stream. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #lifetime: NodeJS.Timeout;
  #second: NodeJS.Timeout | undefined;
  #sent = 0;
  #leftOut = 0;
  #unknown = false;

  constructor(response: ServerResponse) {
    this.#response = response;
    // No hook runs for these answers.
    response.writeHead(200, {
      ...securityHeaders,
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
      connection: "close",
    });
    this.#heartbeat = setInterval(() => this.#write(": heartbeat\n\n"), HEARTBEAT_MS).unref();
    this.#lifetime = setTimeout(() => this.end(), LASTS_MS).unref();
    this.#write("retry: 2000\n\n");
  }

  /** Sends at most ten changes a second. Of further ones, the number follows at the end of the second. */
  send(news: News): void {
    if ("count" in news) {
      this.#leftOut += news.count;
      this.#unknown ||= news.count === 0;
    }
    for (const change of "changes" in news ? news.changes : []) {
      if (this.#sent >= CHANGES_A_SECOND) {
        this.#leftOut += 1;
        continue;
      }
      this.#sent += 1;
      const { organization_id: _, ...data } = change;
      // An id of a signed event is any text; a line break would end the field.
      const id = change.event_id.replaceAll(/[\0\r\n]/g, " ");
      this.#write(`event: change\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    }
    this.#second ??= setTimeout(() => this.#endSecond(), 1_000).unref();
  }

  end(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#lifetime);
    clearTimeout(this.#second);
    this.#response.end();
  }

  #endSecond(): void {
    this.#second = undefined;
    this.#sent = 0;
    if (this.#leftOut === 0 && !this.#unknown) return;
    const count = this.#unknown ? 0 : this.#leftOut;
    this.#leftOut = 0;
    this.#unknown = false;
    this.#write(`event: many\ndata: ${JSON.stringify({ count })}\n\n`);
  }

  #write(text: string): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    this.#response.write(text);
    if (this.#response.writableLength > UNREAD_BYTES) this.#response.destroy();
  }
}
