import { z } from "zod";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { Replica } from "../database/replica.js";
import { driftByDay } from "../operations/drift-history.js";
import { readStatus } from "../operations/status.js";
import type { SubscriptionWatch } from "../operations/subscription-watch.js";
import { type ApiInstance, security } from "./openapi.js";
import { adminErrors, count, day, wholeNumber } from "./schemas.js";

const schema = {
  summary:
    "The state of the work: a verdict, inbox, sweeps, drift, organizations, silence, replica, subscription",
  tags: ["Operations"],
  security: [...security.admin],
  querystring: z.strictObject({}),
  response: {
    200: z.looseObject({
      verdict: z.object({ level: z.enum(["ok", "warning", "error"]), text: z.string() }),
      inbox: z.looseObject({}),
      sweeps: z.array(z.looseObject({})),
      drift: z.array(z.object({ column: z.string(), rows: count })),
      rows_due: count,
      organizations: z.array(z.looseObject({})),
      silence: z.array(z.looseObject({})),
      replica: z
        .object({
          lag_seconds: z.number().nullable(),
          reachable: z.boolean(),
          problem: z.string().nullable(),
        })
        .nullable()
        .meta({
          description: "null: DATABASE_READ_URL is not set. `problem`: why the primary is read instead",
        }),
      subscription: z
        .looseObject({
          level: z.enum(["ok", "warning", "error"]),
          problem: z.string().nullable(),
          remedy: z.string().nullable(),
        })
        .nullable()
        .meta({
          description:
            "The webhook subscription at Square. null: SQUARE_APPLICATION_ACCESS_TOKEN is not set. `points`: what is right of it",
        }),
    }),
    ...adminErrors,
  },
};

const driftQuery = z.strictObject({
  days: wholeNumber(1, 366)
    .default(30)
    .meta({ description: "How many days in UTC, including today; 30 by default" }),
});

const driftDay = z.object({
  date: day,
  sweeps: count,
  checked: count,
  drifted: count,
  columns: z.array(z.object({ column: z.string(), rows: count })),
});

/** The state of the work now, and the drift of past days. */
export function statusRoutes({
  database,
  replica,
  subscription,
  clock,
}: {
  database: Database;
  replica: Pick<Replica, "status"> | undefined;
  subscription: Pick<SubscriptionWatch, "status"> | undefined;
  clock: Clock;
}) {
  return async (app: ApiInstance) => {
    app.get("/admin/jobs/status", { schema }, () =>
      readStatus(database.pool, clock(), {
        replica: replica?.status ?? null,
        subscription: subscription?.status ?? null,
      }),
    );

    app.get(
      "/admin/drift",
      {
        schema: {
          summary: "The drift that sweeps found, by day and column",
          tags: ["Operations"],
          security: [...security.admin],
          querystring: driftQuery,
          response: { 200: z.object({ days: z.array(driftDay) }), ...adminErrors },
        },
      },
      async ({ query }) => {
        const { days } = query;
        return { days: await driftByDay(database.pool, clock(), days) };
      },
    );
  };
}
