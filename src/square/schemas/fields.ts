import { z } from "zod";
import { RegularsError } from "../../errors.js";
import { describeIssues } from "../issues.js";
import { parseExactInstant, parseInstant } from "../timestamp.js";

/**
 * Building blocks for the schemas of Square's objects in wire shape. Unknown keys and unknown enum values are
 * accepted. An empty string counts as missing.
 */

/** The bounds of Postgres bigint, and of the numbers that Square documents as int64. */
export const INT64_MAX = 2n ** 63n - 1n;
export const INT64_MIN = -(2n ** 63n);
/** Postgres `integer`. */
const INT4_MAX = 2n ** 31n - 1n;

/** An object breaks its schema. The message names each path and its problem, and quotes no value. */
export class InvalidPayload extends RegularsError {
  constructor(message: string) {
    super("invalid_payload", message);
  }
}

/**
 * Checks an object against its schema.
 *
 * @param root the object's name in error messages
 * @throws InvalidPayload
 */
export function parseObject<Schema extends z.ZodType>(
  root: string,
  schema: Schema,
  object: unknown,
): z.output<Schema> {
  const result = schema.safeParse(object);
  if (!result.success) throw new InvalidPayload(describeIssues(result.error, root));
  return result.data;
}

/**
 * Returns a function that checks objects of one kind and throws {@link InvalidPayload}.
 *
 * @param root the object's name in error messages
 */
export function parser<Schema extends z.ZodType>(root: string, schema: Schema) {
  return (object: unknown): z.output<Schema> => parseObject(root, schema, object);
}

/** For ids, statuses and currencies: required text, short enough for an index. */
export const requiredName = z.string().min(1).max(255);

export const optionalName = z.string().max(255).nullish().transform(emptyToNull);

/** For notes and profile fields, of any length. */
export const optionalText = z.string().nullish().transform(emptyToNull);

export const requiredInstant = z.string().transform(readerOf(parseInstant));

export const optionalInstant = optional(parseInstant);

/** For times of change. They order the copies of an object, so all digits are kept. */
export const requiredExactInstant = z.string().transform(readerOf(parseExactInstant));

export const optionalExactInstant = optional(parseExactInstant);

/**
 * A 64-bit integer, as a number that holds it exactly or as a bigint. A string of digits is refused. So is a number
 * that may have lost digits.
 */
export const int64 = z
  .union([z.int("expected an integer that a number holds exactly"), z.bigint()], "expected an integer")
  .transform((value) => BigInt(value))
  .refine((value) => value >= INT64_MIN && value <= INT64_MAX, "expected an integer of 64 bits");

/** A count that fits a column of type `integer`. */
export const count = int64
  .refine((value) => value >= 0n && value <= INT4_MAX, "expected an integer from 0 to 2147483647")
  .transform(Number);

/** Money in minor units: cents, or yen, which has no decimals. Square leaves out a zero amount. */
export const optionalMoney = z.object({ amount: int64.nullish(), currency: optionalName }).nullish();

/** `YYYY-MM-DD`, with year 0000 if unknown. Before API version 2022-10-19 it was `1998-09-21T00:00:00-00:00`. */
export const optionalBirthday = optionalText.transform((text) =>
  text === null ? null : text.replace(/^(\d{4}-\d\d-\d\d)T.*$/, "$1"),
);

function emptyToNull(text: string | null | undefined): string | null {
  return text || null;
}

function optional<Time>(parse: (text: string) => Time | null) {
  const read = readerOf(parse);
  return z
    .string()
    .nullish()
    .transform((text, context) => (text ? read(text, context) : null));
}

function readerOf<Time>(parse: (text: string) => Time | null) {
  return (text: string, context: z.RefinementCtx): Time => {
    const time = parse(text);
    if (time !== null) return time;
    context.addIssue("expected a timestamp of RFC 3339");
    return z.NEVER;
  };
}
