import { Readable } from "node:stream";
import type { FastifyError, FastifyInstance, FastifyRequest } from "fastify";
import rawBody from "fastify-raw-body";
import { z } from "zod";
import type { WebhookConfig } from "../config.js";
import type { Inbox } from "../inbox/inbox.js";
import { InvalidEnvelope, readEnvelope, type SquareEvent } from "../square/envelope.js";
import { readJson, UnreadableJson } from "../square/read-json.js";
import { verifySignature } from "../square/signature.js";
import { BodyReader, MAX_BODY_BYTES } from "./body-reader.js";
import { security } from "./openapi.js";
import { Problem, toProblem } from "./problem.js";
import { RefusalLog } from "./refusal-log.js";
import { problemAnswer } from "./schemas.js";
import { SIGNATURE_HEADER, WEBHOOK_ROUTE } from "./webhook-address.js";

const NO_BYTES = Buffer.alloc(0);

const schema = {
  summary: "Takes one event from Square",
  description: "The signature is over the notification URL and the bytes of the body. See docs/webhooks.md.",
  tags: ["Square"],
  security: [...security.square],
  response: {
    200: z.object({
      received: z.literal(true),
      event_id: z.string(),
      status: z.enum(["processed", "duplicate", "stale", "ignored", "deferred", "dead"]),
    }),
    400: problemAnswer("The body is no event"),
    401: problemAnswer("The signature is missing or wrong"),
    413: problemAnswer("The body is larger than 1 MiB"),
    415: problemAnswer("The body is not application/json"),
    503: problemAnswer("The event is not stored; Square delivers it again"),
  },
};

/**
 * Receives Square's deliveries (contract section 2). The checks are, in this order: size, media type, signature, and then
 * what the bytes say. 200 is answered when the event is durable, never before.
 */
export function webhookRoutes({ webhook, inbox }: { webhook: WebhookConfig; inbox: Pick<Inbox, "receive"> }) {
  return async (app: FastifyInstance) => {
    // The signature is over the bytes, so nothing parses them first. Our reader bounds what bodies may cost, the plugin keeps
    // its bytes as rawBody, and of media types only JSON is taken.
    const bodies = new BodyReader();
    const releases = new WeakMap<FastifyRequest, () => void>();
    app.addHook("preParsing", async (request, _reply, payload) => {
      const announced = Number(request.headers["content-length"]);
      const { bytes, release } = await bodies.read(payload as Readable, announced);
      releases.set(request, release);
      return Readable.from(bytes.length > 0 ? [bytes] : []);
    });
    // A body is released when its handler ends or fails. An answer may never be sent: its connection may close first.
    app.addHook("onError", async (request) => releases.get(request)?.());
    await app.register(rawBody, { global: false, encoding: false, jsonContentTypes: [] });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("application/json", (_request, payload, done) => {
      payload.once("end", () => done(null)).resume();
    });

    const refusals = new RefusalLog(app.log, "delivery refused");
    const refuse = (problem: Problem, bytes: Buffer): never => {
      refusals.tell({ code: problem.code, bytes: bytes.length });
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
      const status = await inbox.receive(event).catch(notStored);
      return { received: true, event_id: event.event_id, status };
    };

    const route = { config: { rawBody: true }, bodyLimit: MAX_BODY_BYTES, schema };
    app.post(WEBHOOK_ROUTE, route, async (request) => {
      // Without a body there are no bytes, and those can be signed too.
      const bytes = Buffer.isBuffer(request.rawBody) ? request.rawBody : NO_BYTES;
      try {
        return await receive(bytes, request.headers[SIGNATURE_HEADER]);
      } finally {
        releases.get(request)?.();
      }
    });
  };
}

/** Whatever it was, nothing is known to be stored, so the event must come again. */
function notStored(error: FastifyError): never {
  if (toProblem(error).status === 503) throw error;
  throw new Problem(503, "not_stored", "The event could not be stored. Deliver it again later.", {
    retryAfterSeconds: 60,
    cause: error,
  });
}

function badSignature(): Problem {
  return new Problem(401, "invalid_signature", "The signature does not match the body and notification URL.");
}

/** @returns the event, or 400 when the bytes are none, so that there is no id to store it under */
function readEvent(bytes: Buffer): SquareEvent | Problem {
  try {
    return readEnvelope(readJson(bytes));
  } catch (error) {
    if (error instanceof UnreadableJson) return new Problem(400, `json_${error.code}`, error.message);
    if (error instanceof InvalidEnvelope) return new Problem(400, error.code, error.message);
    throw error;
  }
}
