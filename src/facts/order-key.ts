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
  /** A delete wins over the same version, and without a version over the same instant. */
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
 * Without a version time decides before deletion: its byte is 0, and whether the copy is deleted takes the place of terminal.
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
  const isDeleted = deleted ?? false;
  const isVersioned = version !== null;
  const fields = Buffer.allocUnsafe(26);
  fields.writeBigUInt64BE(isVersioned ? sortable(version ?? 0n) : 0n, 0);
  fields.writeUInt8(Number(isVersioned && isDeleted), 8);
  fields.writeBigUInt64BE(updatedAt === null ? 0n : sortable(instantMicros(toMicroseconds(updatedAt))), 9);
  fields.writeUInt8(Number(isVersioned ? (terminal ?? false) : isDeleted), 17);
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

/** Of an object's copies the best of those with a version, and the best of those without. */
export interface BestCopies {
  readonly versioned?: string;
  readonly unversioned?: string;
}

/** Whether the copy has a version, or is of a kind that has none. */
export function hasVersion(key: string): boolean {
  return !key.startsWith("0".repeat(16));
}

/** The best copies when one more is known. */
export function withCopy(best: BestCopies, key: string): BestCopies {
  const name = hasVersion(key) ? "versioned" : "unversioned";
  return key > (best[name] ?? "") ? { ...best, [name]: key } : best;
}

/**
 * Which copy stands. Two copies with versions compare by version, two without by time, and that has no order where
 * versions and times contradict each other: 5 may be later than a deletion, and that later than 6. So copies are never
 * compared across: the best of each kind is a maximum of its own order, and of these two the later one stands. As a
 * function of two maxima it depends on the set of copies alone, and not on their order. At one instant a deletion without
 * a version stands over all, a live copy without a version over nothing.
 */
export function standingCopy({ versioned, unversioned }: BestCopies): string | undefined {
  if (versioned === undefined || unversioned === undefined) return versioned ?? unversioned;
  const [ours, theirs] = [timeOf(unversioned), timeOf(versioned)];
  const isDeleted = unversioned.startsWith("01", TIME_AT + ours.length);
  return ours > theirs || (ours === theirs && isDeleted) ? unversioned : versioned;
}

/** Digits before the time. */
const TIME_AT = 18;

/** The time in a key, as a text to compare: to the nanosecond where there are nanoseconds. */
function timeOf(key: string): string {
  const end = 2 * NANOSECONDS_AT;
  return key.slice(TIME_AT, key.slice(end, end + 2) >= "02" ? end + 4 : end);
}

/** Moves a signed 64 bit integer so that its unsigned bytes sort like its value. */
function sortable(value: bigint): bigint {
  return value + 2n ** 63n;
}
