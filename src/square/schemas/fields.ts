import { z } from "zod";
import { RegularsError } from "../../errors.js";
import { describeIssues } from "../issues.js";
import { parseExactInstant, parseInstant } from "../timestamp.js";

/**
 * The building blocks of Square's objects in wire shape: snake_case, as webhooks and the REST API send them.
 * Unknown keys and unknown enum values pass; an empty string is as good as none.
 */

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
/** Postgres `integer`. */
const INT4_MAX = 2n ** 31n - 1n;

/** An object breaks its schema. The message names each path and what is wrong there, no values. */
export class InvalidPayload extends RegularsError {
  constructor(message: string) {
    super("invalid_payload", message);
  }
}

/**
 * Checks an object against its schema.
 *
 * @param root what the object is called in error messages
 * @throws {InvalidPayload}
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
 * A function that checks an object of one kind and throws {@link InvalidPayload}.
 *
 * @param root what the object is called in error messages
 */
export function parser<Schema extends z.ZodType>(root: string, schema: Schema) {
  return (object: unknown): z.output<Schema> => parseObject(root, schema, object);
}

/** Ids, statuses and currencies: text that must be there and may be indexed. */
export const requiredName = z.string().min(1).max(255);

export const optionalName = z.string().max(255).nullish().transform(emptyToNull);

/** Notes and profile fields, of any length. */
export const optionalText = z.string().nullish().transform(emptyToNull);

export const requiredInstant = z.string().transform(readerOf(parseInstant));

export const optionalInstant = optional(parseInstant);

/** Times of change: they order copies of one object, so no digit of them is cut off. */
export const requiredExactInstant = z.string().transform(readerOf(parseExactInstant));

export const optionalExactInstant = optional(parseExactInstant);

/**
 * An integer of 64 bits: a number that holds it exactly, or a bigint. A string of digits is refused, as is
 * what lost its last digits in a double.
 */
export const int64 = z
  .union([z.int("expected an integer that a number holds exactly"), z.bigint()], "expected an integer")
  .transform((value) => BigInt(value))
  .refine((value) => value >= INT64_MIN && value <= INT64_MAX, "expected an integer of 64 bits");

/** A count for a column of type `integer`. */
export const count = int64
  .refine((value) => value >= 0n && value <= INT4_MAX, "expected an integer from 0 to 2147483647")
  .transform(Number);

/** Minor units of a currency: cents, or yen, which have no decimals. Square leaves out what is nothing, the amount too. */
export const optionalMoney = z.object({ amount: int64.nullish(), currency: optionalName }).nullish();

/** `YYYY-MM-DD`, year 0000 when it is unknown. Before version 2022-10-19 Square wrote `1998-09-21T00:00:00-00:00`. */
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
