import { z } from "zod";
import { optionalInstant, optionalName, parseObject, parser, requiredName } from "./fields.js";

/** Data of events that carry no object. Every field is optional, because the envelope can replace it. */

/** `order_created`, `order_updated` or `order_fulfillment_updated`. */
export const parseOrderNotice = parser("order", z.object({ order_id: optionalName }).nullish());

export const parseRevocation = parser("revocation", z.object({ revoked_at: optionalInstant }).nullish());

/**
 * Checks an id that the envelope gives instead of an object.
 *
 * @throws InvalidPayload when it is missing or longer than 255 characters
 */
export function parseEnvelopeId(path: string, id: string | null): string {
  return parseObject(path, requiredName, id);
}
