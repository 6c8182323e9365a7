import type { FastifyInstance } from "fastify";
import type pg from "pg";
import { z } from "zod";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { ReadFrom } from "../database/replica.js";
import { appointmentsDaily, revenueDaily, type Scope } from "../reports/daily.js";
import { kpi } from "../reports/kpi.js";
import { localDayOf } from "../reports/local-day.js";
import { periodOf } from "../reports/period.js";
import { cohortKinds, retention } from "../reports/retention.js";
import { segmentMovements, segmentsDaily } from "../reports/segments.js";
import { team } from "../reports/team.js";
import { security } from "./openapi.js";
import {
  adminErrors,
  count,
  day,
  money,
  type OrganizationFacts,
  organizationParams,
  periodQuery,
  placeQuery,
  requireOrganization,
} from "./schemas.js";

const period = z.object({ from: day, to: day });

const appointmentsDay = z.object({
  organization_id: z.uuid(),
  location_id: z.string().nullable(),
  location_name: z.string().nullable(),
  date: day,
  appointments_count: count,
  accepted_appointments: count,
  pending_appointments: count,
  cancelled_appointments: count,
  cancelled_by_customer: count,
  cancelled_by_seller: count,
  no_show_appointments: count,
  staff_slots: count.meta({ description: "Distinct team members of each ACCEPTED booking, summed" }),
  unique_customers: count,
  new_customers: count,
  returning_customers: count,
});

const moneyOfPeriod = z.object({
  revenue_cents: money,
  tips_cents: money,
  gross_cents: money,
  refunded_cents: money,
  net_cents: money,
  payment_count: count,
});

const revenueDay = moneyOfPeriod.extend({
  organization_id: z.uuid(),
  location_id: z.string().nullable(),
  location_name: z.string().nullable(),
  date: day,
  currency: z.string(),
  unique_customers: count,
  unassigned_revenue_cents: money,
});

const kpiNumbers = moneyOfPeriod.extend({
  accepted_appointments: count,
  pending_appointments: count,
  cancelled_by_customer: count,
  cancelled_by_seller: count,
  no_show_appointments: count,
  unique_customers: count.meta({ description: "Counted once over the whole period" }),
  new_customers: count,
  returning_customers: count,
  rebooked_visits: count,
  rebooking_rate: z.number().nullable(),
  currency: z.string(),
  avg_ticket_cents: money,
  unassigned_revenue_cents: money.meta({
    description: "Of payments without a customer; part of revenue_cents",
  }),
  other_currencies: z.array(moneyOfPeriod.extend({ currency: z.string() })),
});

const { currency: _currency, other_currencies: _others, ...measured } = kpiNumbers.shape;
const change = z.object(
  Object.fromEntries(Object.keys(measured).map((name) => [name, z.number().nullable()])),
);

const segmentCounts = { NEVER_VISITED: count, NEW: count, ACTIVE: count, AT_RISK: count, LOST: count };
const segment = z.enum(["NEVER_VISITED", "NEW", "ACTIVE", "AT_RISK", "LOST"]);

const movement = z.object({
  from_segment: segment.nullable().meta({ description: "null: not known at the beginning" }),
  to_segment: segment,
  customers: count,
});

const windows = [30, 60, 90, 180] as const;
const cohort = z.object({
  cohort: z.string().nullable(),
  name: z.string().nullable(),
  customers: count,
  ...Object.fromEntries(
    windows.flatMap((days) => [
      [`returned_${days}d`, count],
      [`eligible_${days}d`, count],
    ]),
  ),
});

const teamMember = z.object({
  team_member_id: z.string(),
  name: z.string().nullable(),
  visits: count,
  customers: count,
  new_customers: count,
  rebooked_visits: count,
  no_shows: count,
  late_cancellations: count,
  booked_minutes: money,
  list_price_cents: money,
});

const NOT_REVENUE =
  "list_price_cents is the catalog price of the segments in the organization's currency. It is not revenue: Square does " +
  "not say which payment belongs to which team member.";

/** What a report gets: the organization, the period and place, and the current instant. */
interface Asked<Query> {
  readonly pool: pg.Pool;
  readonly organization: OrganizationFacts;
  readonly scope: Scope;
  readonly query: Query;
  /** The local day of `now` in the organization's time zone. */
  readonly today: string;
  readonly now: Date;
}

/** The reports over a period. */
export function reportRoutes({
  database,
  readFrom,
  clock,
}: {
  database: Database;
  readFrom: ReadFrom;
  clock: Clock;
}) {
  return async (app: FastifyInstance) => {
    function report<Query extends z.ZodType<PeriodAsked>, Answer extends z.ZodType>(
      path: string,
      summary: string,
      querystring: Query,
      answer: Answer,
      read: (asked: Asked<z.output<Query>>) => Promise<unknown>,
    ): void {
      const schema = {
        summary,
        tags: ["Reports"],
        security: [...security.admin],
        params: organizationParams,
        querystring,
        response: { 200: answer, ...adminErrors },
      };
      app.get(`/api/organizations/:organizationId/${path}`, { schema }, async (request) => {
        // Validated by the schemas above.
        const { organizationId } = request.params as z.output<typeof organizationParams>;
        const query = request.query as z.output<Query>;
        const organization = await requireOrganization(database, organizationId);
        const now = clock();
        const today = await localDayOf(database.pool, now, organization.timeZone);
        const period = periodOf(query, today);
        const scope = { ...period, organizationId: organization.id, locationId: query.location_id ?? null };
        return readFrom((pool) => read({ pool, organization, scope, query, today, now }));
      });
    }

    report(
      "appointments/daily",
      "Bookings by location and local day",
      placeQuery,
      z.object({ days: z.array(appointmentsDay) }),
      async ({ pool, scope }) => ({ days: await appointmentsDaily(pool, scope) }),
    );
    report(
      "revenue/daily",
      "Money by location, local day and currency",
      placeQuery,
      z.object({ days: z.array(revenueDay) }),
      async ({ pool, scope }) => ({ days: await revenueDaily(pool, scope) }),
    );
    report(
      "kpi",
      "The numbers of a period, and those of the same number of days before it",
      placeQuery,
      z.object({ period, previous: period, current: kpiNumbers, before: kpiNumbers, change }),
      ({ pool, scope, organization, now }) => kpi(pool, scope, organization.currency, now),
    );
    report(
      "segments/daily",
      "Customers by segment at the end of each day",
      periodQuery,
      z.object({ days: z.array(z.object({ date: day, ...segmentCounts })) }),
      async ({ pool, scope, today, now }) => ({ days: await segmentsDaily(pool, scope, today, now) }),
    );
    report(
      "segments/movements",
      "How many customers moved from which segment to which over the period",
      periodQuery,
      z.object({ movements: z.array(movement) }),
      async ({ pool, scope, today, now }) => ({ movements: await segmentMovements(pool, scope, today, now) }),
    );
    report(
      "retention",
      "How many customers with their first visit in the period came back within 30, 60, 90 and 180 days",
      placeQuery.extend({
        by: z
          .enum(cohortKinds)
          .default("month")
          .meta({ description: "What the customers of a cohort share" }),
      }),
      z.object({ cohorts: z.array(cohort) }),
      async ({ pool, scope, query, now }) => ({ cohorts: await retention(pool, query.by, scope, now) }),
    );
    report(
      "team",
      "What each team member did in the period",
      placeQuery,
      z.object({ team: z.array(teamMember), list_price_currency: z.string(), note: z.string() }),
      async ({ pool, scope, organization, now }) => ({
        team: await team(pool, scope, now),
        list_price_currency: organization.currency,
        note: NOT_REVENUE,
      }),
    );
  };
}

interface PeriodAsked {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly location_id?: string | undefined;
}
