import { z } from "zod";
import type { Instant } from "../types.js";
import { optionalInstant, optionalName, parseObject, requiredName } from "./fields.js";

/** What events carry instead of an object. Everything in it is optional: the envelope can stand in for it. */

const orderNoticeSchema = z.object({ order_id: optionalName }).nullish();
const revocationSchema = z.object({ revoked_at: optionalInstant }).nullish();

/**
 * @param notice `order_created`, `order_updated` or `order_fulfillment_updated`
 * @returns the order's id, or null
 * @throws {InvalidPayload}
 */
export function parseOrderNotice(notice: unknown): string | null {
  return parseObject("order", orderNoticeSchema, notice)?.order_id ?? null;
}

/**
 * Reads an id that the envelope gives in place of an object.
 *
 * @throws {InvalidPayload} missing, or over 255 characters
 */
export function parseEnvelopeId(path: string, id: string | null): string {
  return parseObject(path, requiredName, id);
}

/** @returns when the seller revoked the application's access, or null. @throws {InvalidPayload} */
export function parseRevocation(revocation: unknown): Instant | null {
  return parseObject("revocation", revocationSchema, revocation)?.revoked_at ?? null;
}
