import { z } from "zod";
import { optionalInstant, optionalName, parseObject, parser, requiredName } from "./fields.js";

/** What events carry instead of an object. Everything in it is optional: the envelope can stand in for it. */

/** `order_created`, `order_updated` or `order_fulfillment_updated`. */
export const parseOrderNotice = parser("order", z.object({ order_id: optionalName }).nullish());

export const parseRevocation = parser("revocation", z.object({ revoked_at: optionalInstant }).nullish());

/**
 * An id that the envelope gives in place of an object.
 *
 * @throws {InvalidPayload} missing, or over 255 characters
 */
export function parseEnvelopeId(path: string, id: string | null): string {
  return parseObject(path, requiredName, id);
}
