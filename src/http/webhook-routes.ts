import { Readable } from "node:stream";
import type { FastifyError, FastifyInstance, FastifyRequest } from "fastify";
import rawBody from "fastify-raw-body";
import { z } from "zod";
import type { WebhookConfig } from "../config.js";
import type { Inbox } from "../inbox/inbox.js";
import { InvalidEnvelope, readEnvelope, type SquareEvent } from "../square/envelope.js";
import { readJson, UnreadableJson } from "../square/read-json.js";
import { verifySignature } from "../square/signature.js";
import { annotate, traced } from "../tracing.js";
import { BodyReader, MAX_BODY_BYTES } from "./body-reader.js";
import { security } from "./openapi.js";
import { Problem, toProblem } from "./problem.js";
import { RefusalLog } from "./refusal-log.js";
import { problemAnswer } from "./schemas.js";
import { SIGNATURE_HEADER, WEBHOOK_ROUTE } from "./webhook-address.js";

const NO_BYTES = Buffer.alloc(0);

const schema = {
  summary: "Receive one event from Square",
  description: "The signature is over the notification URL and the bytes of the body. See docs/webhooks.md.",
  tags: ["Square"],
  security: [...security.square],
  response: {
    200: z.object({
      received: z.literal(true),
      event_id: z.string(),
      status: z.enum(["processed", "duplicate", "stale", "ignored", "deferred", "dead"]),
    }),
    400: problemAnswer("The body is not an event"),
    401: problemAnswer("The signature is missing or wrong"),
    413: problemAnswer("The body is larger than 1 MiB"),
    415: problemAnswer("The body is not application/json"),
    503: problemAnswer("The event is not stored. Square delivers it again"),
  },
};

/**
 * Receives Square's deliveries. It checks, in this order, size, media type, signature and content. It answers 200
 * only when the event is durable.
 */
export function webhookRoutes({ webhook, inbox }: { webhook: WebhookConfig; inbox: Pick<Inbox, "receive"> }) {
  return async (app: FastifyInstance) => {
    // The signature covers the bytes, so the body is not parsed before. BodyReader limits the memory of bodies. The
    // plugin keeps the bytes as rawBody. JSON is the only accepted media type.
    const bodies = new BodyReader();
    const releases = new WeakMap<FastifyRequest, () => void>();
    app.addHook("preParsing", async (request, _reply, payload) => {
      const announced = Number(request.headers["content-length"]);
      const { bytes, release } = await bodies.read(payload as Readable, announced);
      releases.set(request, release);
      return Readable.from(bytes.length > 0 ? [bytes] : []);
    });
    // A body is released when its handler ends or fails, not when the answer is sent. The connection may close
    // before.
    app.addHook("onError", async (request) => releases.get(request)?.());
    await app.register(rawBody, { global: false, encoding: false, jsonContentTypes: [] });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("application/json", (_request, payload, done) => {
      payload.once("end", () => done(null)).resume();
    });

    const refusals = new RefusalLog(app.log, "delivery refused");
    const refuse = (problem: Problem, bytes: Buffer): never => {
      refusals.record({ code: problem.code, bytes: bytes.length });
      throw problem;
    };

    const receive = async (bytes: Buffer, signature: string | string[] | undefined) => {
      const verified = verifySignature({
        header: signature,
        keys: webhook.signatureKeys,
        notificationUrl: webhook.notificationUrl,
        rawBody: bytes,
      });
      if (!verified) return refuse(badSignature(), bytes);
      const event = readEvent(bytes);
      if (event instanceof Problem) return refuse(event, bytes);
      // Only what Square signed is traced, so nobody else can fill the exporter's queue. A `traceparent` is ignored,
      // because Square sends none and the signature covers no header.
      return traced(
        `POST ${WEBHOOK_ROUTE}`,
        async () => {
          const status = await inbox.receive(event).catch(notStored);
          annotate(() => ({ "http.response.status_code": 200 }));
          return { received: true, event_id: event.event_id, status };
        },
        { kind: "server", "http.request.method": "POST", "http.route": WEBHOOK_ROUTE },
      );
    };

    const route = { config: { rawBody: true }, bodyLimit: MAX_BODY_BYTES, schema };
    app.post(WEBHOOK_ROUTE, route, async (request) => {
      // An empty body can have a valid signature too.
      const bytes = Buffer.isBuffer(request.rawBody) ? request.rawBody : NO_BYTES;
      try {
        return await receive(bytes, request.headers[SIGNATURE_HEADER]);
      } finally {
        releases.get(request)?.();
      }
    });
  };
}

/** Answers 503 for any failure, because the event may not be stored. Square must deliver it again. */
function notStored(error: FastifyError): never {
  annotate(() => ({ "http.response.status_code": 503 }));
  if (toProblem(error).status === 503) throw error;
  throw new Problem(503, "not_stored", "The event could not be stored. Deliver it again later.", {
    retryAfterSeconds: 60,
    cause: error,
  });
}

function badSignature(): Problem {
  return new Problem(401, "invalid_signature", "The signature does not match the body and notification URL.");
}

/** @returns the event, or a 400. Without an event id the event cannot be stored. */
function readEvent(bytes: Buffer): SquareEvent | Problem {
  try {
    return readEnvelope(readJson(bytes));
  } catch (error) {
    if (error instanceof UnreadableJson) return new Problem(400, `json_${error.code}`, error.message);
    if (error instanceof InvalidEnvelope) return new Problem(400, error.code, error.message);
    throw error;
  }
}
