/** The shapes in which referrals come, from the API and from a file. Messages say what is right and quote nothing. */
import { z } from "zod";
import { INT64_MAX } from "../square/schemas/fields.js";
import { parseInstant } from "../square/timestamp.js";

/** An id or a code. Postgres has no NUL in a text, and UTF-8 no half of a surrogate pair. */
const name = z
  .string()
  .regex(/^[^\0]{1,255}$/, "is a text of 1 to 255 characters")
  .refine((text) => text.toWellFormed() === text, "is no well-formed text");

const time = z
  .string()
  .meta({ format: "date-time" })
  .transform((text, context) => {
    const instant = /(Z|[+-]\d\d:\d\d)$/i.test(text) ? parseInstant(text) : null;
    if (instant !== null) return instant;
    context.addIssue("is a time of RFC 3339 with its zone, such as 2026-03-02T18:00:00Z");
    return z.NEVER;
  });

const CENTS = "is a whole number of minor units from 0 to 2^63 - 1";

const cents = z
  .union([z.int(CENTS).min(0, CENTS), z.string().regex(/^\d{1,19}$/, CENTS)], CENTS)
  .transform(BigInt)
  .refine((value) => value <= INT64_MAX, CENTS);

/** What is put of a referral profile. What is left out is null, or false. */
export const referralProfile = z.strictObject({
  referral_code: name
    .nullable()
    .default(null)
    .meta({ description: "The code that the customer gives to others" }),
  used_referral_code: name
    .nullable()
    .default(null)
    .meta({ description: "The code that the customer came with" }),
  activated_as_referrer: z.boolean("is true or false").default(false),
  activated_at: time.nullable().default(null),
});

/** What is put of a referral reward. */
export const referralReward = z.strictObject({
  referrer_customer_id: name,
  referred_customer_id: name,
  status: z
    .enum(["PAID", "PENDING", "VOID"], "is PAID, PENDING or VOID")
    .meta({ description: "A VOID reward does not count" }),
  reward_cents: cents.meta({ description: "Minor units; a string past 2^53" }),
});

/** The same with their ids, as the lines of a file have them. */
export const referralLines = {
  profiles: referralProfile.extend({ square_customer_id: name }),
  rewards: referralReward.extend({ reward_id: name }),
};
