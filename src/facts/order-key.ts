import { hash } from "node:crypto";
import { instantMicros } from "../square/timestamp.js";
import type { Instant, JsonValue } from "../square/types.js";
import { canonicalJson } from "../square/write-json.js";

/** What decides between two copies of one Square object, the first that differs first (contract section 4). */
export interface Precedence {
  /** Bookings and customers. Payments, refunds and team members have none and leave it out. */
  readonly version?: bigint;
  /** A delete wins over the same version. */
  readonly deleted?: boolean;
  /** Without one, the object is older than any that has it. */
  readonly updatedAt: Instant | null;
  /** Whether the status is one that an object seldom leaves: of two copies of one instant, the later one. */
  readonly terminal?: boolean;
  /** Minor units. */
  readonly refundedAmount?: bigint;
  /** The object as Square sent it: two copies that agree in all else are ordered by content. */
  readonly object: JsonValue;
}

/**
 * The place of an object among its copies, as a text to compare: the greater key stands.
 *
 * The key is the fields above in their order, each of fixed width and big-endian, so that comparing bytes
 * compares fields. Postgres keeps the same bytes as `bytea` and compares them the same way: the rule stands
 * here and nowhere else.
 *
 * @returns 116 hexadecimal digits: version 8 bytes, deleted 1, microseconds of updatedAt 8, terminal 1,
 *   refunded amount 8, SHA-256 of the object's canonical JSON 32
 * @throws {RangeError} the version or the refunded amount does not fit 64 bits
 */
export function orderKey({
  version,
  deleted,
  updatedAt,
  terminal,
  refundedAmount,
  object,
}: Precedence): string {
  const fields = Buffer.allocUnsafe(26);
  fields.writeBigUInt64BE(sortable(version ?? 0n), 0);
  fields.writeUInt8(Number(deleted ?? false), 8);
  fields.writeBigUInt64BE(updatedAt === null ? 0n : sortable(instantMicros(updatedAt)), 9);
  fields.writeUInt8(Number(terminal ?? false), 17);
  fields.writeBigUInt64BE(sortable(refundedAmount ?? 0n), 18);
  return fields.toString("hex") + hash("sha256", canonicalJson(object), "hex");
}

/** Digits before the content's hash. */
export const PRECEDENCE_DIGITS = 52;

/**
 * The key of a copy that Square's API gave: of copies that differ in content alone it stands above all that webhooks
 * brought, whatever their hashes.
 */
export function authoritativeKey(key: string): string {
  return key.slice(0, PRECEDENCE_DIGITS) + "f".repeat(64);
}

/** Moves a signed 64 bit integer so that its unsigned bytes sort like its value. */
function sortable(value: bigint): bigint {
  return value + 2n ** 63n;
}
