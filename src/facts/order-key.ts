import { hash } from "node:crypto";
import { instantMicros, toMicroseconds } from "../square/timestamp.js";
import type { ExactInstant, JsonValue } from "../square/types.js";
import { canonicalJson } from "../square/write-json.js";

/** The fields that decide between two copies of one Square object. The first field that differs decides. */
export interface Precedence {
  /**
   * The version of a booking or customer. Payments, refunds and team members have no version and leave it out. NULL
   * for a customer's copy without a version.
   */
  readonly version?: bigint | null;
  /** A deletion wins over a live copy of the same version. Without versions it wins over one of the same instant. */
  readonly deleted?: boolean;
  /** A copy without this time is older than every copy with it. */
  readonly updatedAt: ExactInstant | null;
  /** Whether objects seldom leave this status. Of two copies of one instant, the one with such a status is later. */
  readonly terminal?: boolean;
  /** Minor units. */
  readonly refundedAmount?: bigint;
  /** The object as Square sent it. Its content orders two copies that agree in every other field. */
  readonly object: JsonValue;
}

/**
 * The order key of one copy of an object, as text. Of two copies, the one with the greater key stands.
 *
 * The key holds the fields of `Precedence` in their order, big-endian. So a comparison of bytes compares field by
 * field. Postgres stores the same bytes as `bytea` and compares them the same way. No other code knows the rule.
 *
 * Nanoseconds below the microsecond take two bytes, 0x0201 to 0x05e7. A key without such nanoseconds omits them. The
 * byte after the microseconds is then the terminal byte, 0 or 1. Otherwise it is at least 2. So keys of both lengths
 * compare correctly, also with the keys of releases before 0.2, which hold microseconds only.
 *
 * Without a version, time decides before deletion. Then the deleted byte is 0, and the terminal byte says whether the
 * copy is a deletion.
 *
 * @returns hexadecimal digits: version 8 bytes (all 0 for a copy without one), deleted 1, microseconds of updatedAt
 *   8, nanoseconds 0 or 2, terminal 1, refunded amount 8, SHA-256 of the object's canonical JSON 32
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

/** Bytes of the content hash at the end of a key. */
export const HASH_BYTES = 32;

/**
 * The key of a copy from Square's API. Its content hash is the highest possible one. So the copy wins over webhook
 * copies that differ in content alone.
 */
export function authoritativeKey(key: string): string {
  const digits = 2 * HASH_BYTES;
  return key.slice(0, -digits) + "f".repeat(digits);
}

/** Order keys of an object's best copy with a version and of its best copy without one. */
export interface BestCopies {
  readonly versioned?: string;
  readonly unversioned?: string;
}

/** Whether the copy has a version. Copies of kinds without versions count as having one. */
export function hasVersion(key: string): boolean {
  return !key.startsWith("0".repeat(16));
}

/** The best copies after one more copy arrived. */
export function withCopy(best: BestCopies, key: string): BestCopies {
  const name = hasVersion(key) ? "versioned" : "unversioned";
  return key > (best[name] ?? "") ? { ...best, [name]: key } : best;
}

/**
 * Decides which of the two best copies stands: the later one. At the same instant a deletion without a version
 * wins, and a live copy without a version loses.
 *
 * Copies with versions compare by version, copies without by time. Versions and times may contradict each other:
 * version 5 may be later than a deletion without a version, and that deletion later than version 6. So there is no
 * one order over all copies. Each kind of copy has its own maximum. The result depends only on the two maxima, so
 * it depends on the set of copies and not on the order of their arrival.
 */
export function standingCopy({ versioned, unversioned }: BestCopies): string | undefined {
  if (versioned === undefined || unversioned === undefined) return versioned ?? unversioned;
  const [ours, theirs] = [timeOf(unversioned), timeOf(versioned)];
  const isDeleted = unversioned.startsWith("01", TIME_AT + ours.length);
  return ours > theirs || (ours === theirs && isDeleted) ? unversioned : versioned;
}

/** Hexadecimal digits before the time. */
const TIME_AT = 18;

/** The time in a key, as text to compare. It includes the nanoseconds if the key holds them. */
function timeOf(key: string): string {
  const end = 2 * NANOSECONDS_AT;
  return key.slice(TIME_AT, key.slice(end, end + 2) >= "02" ? end + 4 : end);
}

/** Shifts a signed 64-bit integer so that its unsigned bytes sort like its value. */
function sortable(value: bigint): bigint {
  return value + 2n ** 63n;
}
