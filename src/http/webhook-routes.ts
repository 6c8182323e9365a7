import type { FastifyInstance } from "fastify";
import rawBody from "fastify-raw-body";
import type { WebhookConfig } from "../config.js";
import type { Inbox } from "../inbox/inbox.js";
import { InvalidEnvelope, readEnvelope, type SquareEvent } from "../square/envelope.js";
import { readJson, UnreadableJson } from "../square/read-json.js";
import { verifySignature } from "../square/signature.js";
import { Problem } from "./problem.js";

export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The door for Square's deliveries (contract section 2). The order is: size, media type, signature, and only then
 * what the bytes say. 200 is answered when the event is durable, never before.
 */
export function webhookRoutes({ webhook, inbox }: { webhook: WebhookConfig; inbox: Inbox }) {
  return async (app: FastifyInstance) => {
    // The signature is over the bytes, so nothing may parse them first; nor is any other media type read.
    await app.register(rawBody, { global: false, encoding: false, runFirst: true, jsonContentTypes: [] });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );

    app.post(
      "/webhooks/square",
      { config: { rawBody: true }, bodyLimit: MAX_BODY_BYTES },
      async (request) => {
        const bytes = request.rawBody;
        const verified =
          Buffer.isBuffer(bytes) &&
          verifySignature({
            header: request.headers["x-square-hmacsha256-signature"],
            keys: webhook.signatureKeys,
            notificationUrl: webhook.notificationUrl,
            rawBody: bytes,
          });
        if (!verified) {
          throw new Problem(
            401,
            "invalid_signature",
            "The signature does not match the body and notification URL.",
          );
        }
        const event = readEvent(bytes);
        const status = await inbox.receive(event);
        return { received: true, event_id: event.event_id, status };
      },
    );
  };
}

/** @throws {Problem} 400 when the bytes are no event, so that there is no id to store it under */
function readEvent(bytes: Buffer): SquareEvent {
  try {
    return readEnvelope(readJson(bytes));
  } catch (error) {
    if (error instanceof UnreadableJson) throw new Problem(400, `json_${error.code}`, error.message);
    if (error instanceof InvalidEnvelope) throw new Problem(400, error.code, error.message);
    throw error;
  }
}
