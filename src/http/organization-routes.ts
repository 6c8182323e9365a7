import { z } from "zod";
import { setSegmentDays } from "../analytics/segment-days.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { listOrganizations } from "../operations/organizations.js";
import type { Sweeps } from "../sweep/background.js";
import { type ApiInstance, security } from "./openapi.js";
import {
  adminErrors,
  changeErrors,
  count,
  instant,
  organizationParams,
  requireOrganization,
} from "./schemas.js";

const days = z.int().min(1).max(3_650);

/** How many days a segment lasts. */
const segmentDays = z.strictObject({
  new: days.meta({ description: "After the first visit" }),
  active: days.meta({ description: "After the last visit; less than at_risk" }),
  at_risk: days.meta({ description: "After the last visit" }),
});

const settings = z.strictObject({
  segment_days: segmentDays.refine(({ active, at_risk }) => active < at_risk, {
    path: ["active"],
    message: "must be less than at_risk",
  }),
});

const organization = z.object({
  id: z.uuid(),
  name: z.string(),
  currency: z.string().nullable(),
  time_zone: z.string(),
  status: z.string(),
  last_event_at: instant.nullable(),
  last_sweep_at: instant
    .nullable()
    .meta({ description: "When the last sweep ended; each sweep covers all organizations" }),
  locations: z.array(
    z.object({
      location_id: z.string(),
      name: z.string(),
      time_zone: z.string(),
      currency: z.string().nullable(),
      status: z.string(),
    }),
  ),
  team_members: z.array(z.object({ team_member_id: z.string(), name: z.string(), status: z.string() })),
  segment_days: segmentDays,
});

/** The organizations and their settings. */
export function organizationRoutes({
  database,
  clock,
  sweeps,
}: {
  database: Database;
  clock: Clock;
  sweeps: Pick<Sweeps, "recomputeAllDue">;
}) {
  return async (app: ApiInstance) => {
    const described = { tags: ["Organizations"], security: [...security.admin] };

    app.get(
      "/api/organizations",
      {
        schema: {
          ...described,
          summary: "All organizations with their locations and settings, the oldest first",
          querystring: z.strictObject({}),
          response: { 200: z.object({ organizations: z.array(organization) }), ...adminErrors },
        },
      },
      async () => ({ organizations: await listOrganizations(database.pool) }),
    );

    app.patch(
      "/api/organizations/:organizationId",
      {
        schema: {
          ...described,
          summary:
            "Change how many days the segments last; all rows come due and are recomputed in the background",
          params: organizationParams,
          body: settings,
          response: {
            202: z.object({ customers: count.meta({ description: "Rows that came due" }) }),
            ...changeErrors,
          },
        },
      },
      async ({ params, body }, reply) => {
        const { organizationId } = params;
        const { segment_days } = body;
        const { id } = await requireOrganization(database, organizationId);
        const customers = await setSegmentDays(database.pool, id, segment_days, clock());
        sweeps.recomputeAllDue();
        return reply.code(202).send({ customers });
      },
    );
  };
}
