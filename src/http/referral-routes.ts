import { z } from "zod";
import { type PutReferrals, putReferrals, type Referrals } from "../analytics/referrals.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { referralProfile, referralReward } from "../operations/referral-shapes.js";
import { type ApiInstance, security } from "./openapi.js";
import {
  changeErrors,
  customerParams,
  instant,
  money,
  organizationParams,
  requireOrganization,
  squareId,
} from "./schemas.js";

const rewardParams = organizationParams.extend({ rewardId: squareId });

const storedProfile = z.object({
  square_customer_id: z.string(),
  referral_code: z.string().nullable(),
  used_referral_code: z.string().nullable(),
  activated_as_referrer: z.boolean(),
  activated_at: instant.nullable(),
});

const storedReward = z.object({
  reward_id: z.string(),
  referrer_customer_id: z.string(),
  referred_customer_id: z.string(),
  status: z.string(),
  reward_cents: money,
});

const customers = z
  .array(
    z.object({
      square_customer_id: z.string(),
      changes: z.record(z.string(), z.object({ before: z.unknown(), after: z.unknown() })),
    }),
  )
  .meta({ description: "The customers whose row changed, and the columns that did" });

/** The routes that store referral profiles and rewards. Square does not have these. */
export function referralRoutes({ database, clock }: { database: Database; clock: Clock }) {
  return async (app: ApiInstance) => {
    const described = <Params extends z.ZodType, Body extends z.ZodType>(
      summary: string,
      params: Params,
      body: Body,
      answer: z.ZodType,
    ) => ({
      summary,
      description: "The whole object is replaced. The same request again changes nothing.",
      tags: ["Referrals"],
      security: [...security.admin],
      params,
      body,
      response: {
        200: answer.meta({ description: "It was there before" }),
        201: answer.meta({ description: "It is new" }),
        ...changeErrors,
      },
    });
    const put = async (organizationId: string, referrals: Referrals) => {
      const { id } = await requireOrganization(database, organizationId);
      return putReferrals(database.pool, id, referrals, clock());
    };

    app.put(
      "/api/organizations/:organizationId/referrals/:squareCustomerId",
      {
        schema: described(
          "Store a customer's referral profile; the customer, or the survivor of a merged id, is recomputed",
          customerParams,
          referralProfile,
          z.object({ referral_profile: storedProfile, customers }),
        ),
      },
      async ({ params, body }, reply) => {
        const { organizationId, squareCustomerId } = params;
        const profile = { square_customer_id: squareCustomerId, ...body };
        const done = await put(organizationId, { kind: "profiles", rows: [profile] });
        const activated_at = body.activated_at && new Date(body.activated_at).toISOString();
        return reply
          .code(done.created > 0 ? 201 : 200)
          .send({ referral_profile: { ...profile, activated_at }, customers: changesOf(done) });
      },
    );

    app.put(
      "/api/organizations/:organizationId/referral-rewards/:rewardId",
      {
        schema: described(
          "Store a referral reward; its referrer and the earlier one are recomputed",
          rewardParams,
          referralReward,
          z.object({ referral_reward: storedReward, customers }),
        ),
      },
      async ({ params, body }, reply) => {
        const { organizationId, rewardId } = params;
        const reward = { reward_id: rewardId, ...body };
        const done = await put(organizationId, { kind: "rewards", rows: [reward] });
        return reply
          .code(done.created > 0 ? 201 : 200)
          .send({ referral_reward: reward, customers: changesOf(done) });
      },
    );
  };
}

function changesOf({ customers }: PutReferrals) {
  return customers
    .filter(({ changed }) => changed)
    .map(({ square_customer_id, drift }) => ({ square_customer_id, changes: drift }));
}
