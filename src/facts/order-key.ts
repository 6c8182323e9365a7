import { hash } from "node:crypto";
import { instantMicros, toMicroseconds } from "../square/timestamp.js";
import type { ExactInstant, JsonValue } from "../square/types.js";
import { canonicalJson } from "../square/write-json.js";

/** What decides between two copies of one Square object, the first that differs first (contract section 4). */
export interface Precedence {
  /**
   * Bookings and customers. Payments, refunds and team members have none and leave it out. NULL for a copy without one
   * where others have one.
   */
  readonly version?: bigint | null;
  /** A delete wins over the same version. */
  readonly deleted?: boolean;
  /** Without one, the object is older than any that has it. */
  readonly updatedAt: ExactInstant | null;
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
 * The key is the fields above in their order, big-endian, so that comparing bytes compares fields. Postgres keeps the
 * same bytes as `bytea` and compares them the same way: the rule stands here and nowhere else.
 *
 * Nanoseconds below the microsecond take two bytes from 0x0201 where there are any, and no room where there are none. The
 * byte after the microseconds is 0 or 1 in a key without them (terminal), and at least 2 in a key with them: so both kinds
 * compare right with each other, and with the keys that releases before 0.2 stored, which knew microseconds only.
 *
 * @returns hexadecimal digits: version 8 bytes (all 0 for a copy without one), deleted 1, microseconds of updatedAt 8,
 *   nanoseconds 0 or 2, terminal 1, refunded amount 8, SHA-256 of the object's canonical JSON 32
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
  fields.writeBigUInt64BE(version === null ? 0n : sortable(version ?? 0n), 0);
  fields.writeUInt8(Number(deleted ?? false), 8);
  fields.writeBigUInt64BE(updatedAt === null ? 0n : sortable(instantMicros(toMicroseconds(updatedAt))), 9);
  fields.writeUInt8(Number(terminal ?? false), 17);
  fields.writeBigUInt64BE(sortable(refundedAmount ?? 0n), 18);
  const nanoseconds = Number(updatedAt?.slice(26, 29) ?? 0);
  return [
    fields.toString("hex", 0, NANOSECONDS_AT),
    nanoseconds === 0 ? "" : (0x0200 + nanoseconds).toString(16).padStart(4, "0"),
    fields.toString("hex", NANOSECONDS_AT),
    hash("sha256", canonicalJson(object), "hex"),
  ].join("");
}

/** Bytes before the nanoseconds. */
const NANOSECONDS_AT = 17;

/** Bytes of the content's hash, which is the last of a key. */
export const HASH_BYTES = 32;

/**
 * The key of a copy that Square's API gave: of copies that differ in content alone it stands above all that webhooks
 * brought, whatever their hashes.
 */
export function authoritativeKey(key: string): string {
  const digits = 2 * HASH_BYTES;
  return key.slice(0, -digits) + "f".repeat(digits);
}

/** Moves a signed 64 bit integer so that its unsigned bytes sort like its value. */
function sortable(value: bigint): bigint {
  return value + 2n ** 63n;
}
