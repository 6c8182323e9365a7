import type { FastifyInstance, FastifyRequest } from "fastify";
import type pg from "pg";
import { z } from "zod";
import type { ApiRow } from "../analytics/api-row.js";
import { appointmentsDaily, countedDays, revenueDaily } from "../reports/daily.js";
import { kpi } from "../reports/kpi.js";
import { retention } from "../reports/retention.js";
import { segmentMovements, segmentsDaily } from "../reports/segments.js";
import { team } from "../reports/team.js";
import { type Asked, askedReport, type PeriodAsked, type ReportParts } from "./asked-report.js";
import { csvAnswer, csvHeader, csvHeaders, csvLines } from "./csv.js";
import { security } from "./openapi.js";
import {
  appointmentsDay,
  appointmentsQuery,
  change,
  cohort,
  kpiNumbers,
  movement,
  period,
  retentionQuery,
  revenueDay,
  revenueQuery,
  segmentsDay,
  teamMember,
} from "./report-schemas.js";
import { adminErrors, organizationParams, periodQuery, placeQuery } from "./schemas.js";

const NOT_REVENUE =
  "list_price_cents is the catalog price of the segments in the organization's currency. It is not revenue: Square does " +
  "not say which payment belongs to which team member.";

/** What the reader of a report gets. */
interface ToRead<Query> extends Asked<Query> {
  readonly pool: pg.Pool;
}

/** All days, or those behind the number that the query names. */
function chosenDays(
  { query, organization }: Asked<{ readonly counted?: string | undefined }>,
  days: ApiRow[],
): ApiRow[] {
  return query.counted === undefined ? days : countedDays(days, query.counted, organization.currency);
}

/** The reports over a period. */
export function reportRoutes(parts: ReportParts) {
  return async (app: FastifyInstance) => {
    /** @param list the answer's only list, which can be had as CSV too */
    function report<Query extends z.ZodType<PeriodAsked>, Answer extends z.ZodType>(
      path: string,
      summary: string,
      querystring: Query,
      answer: Answer,
      read: (asked: ToRead<z.output<Query>>) => Promise<object>,
      list?: { readonly name: string; readonly row: z.ZodObject },
    ): void {
      const described = {
        tags: ["Reports"],
        security: [...security.admin],
        params: organizationParams,
        querystring,
      };
      const address = `/api/organizations/:organizationId/${path}`;
      const answerTo = async (request: FastifyRequest) => {
        const asked = await askedReport<z.output<Query>>(parts, request);
        return parts.readFrom((pool) => read({ pool, ...asked }));
      };
      const schema = { ...described, summary, response: { 200: answer, ...adminErrors } };
      app.get(address, { schema }, answerTo);
      if (!list) return;
      const csvSchema = {
        ...described,
        summary: `${summary}, as CSV (RFC 4180, UTF-8 with BOM)`,
        response: { 200: csvAnswer, ...adminErrors },
      };
      app.get(`${address}.csv`, { exposeHeadRoute: false, schema: csvSchema }, async (request, reply) => {
        const { [list.name]: rows } = (await answerTo(request)) as Record<string, ApiRow[]>;
        csvHeaders(reply, path.replaceAll("/", "-"));
        const columns = Object.keys(list.row.shape);
        return csvHeader(columns) + csvLines(columns, rows ?? []);
      });
    }

    report(
      "appointments/daily",
      "Bookings by location and local day",
      appointmentsQuery,
      z.object({ days: z.array(appointmentsDay) }),
      async (asked) => ({
        days: chosenDays(asked, await appointmentsDaily(asked.pool, asked.scope, asked.now)),
      }),
      { name: "days", row: appointmentsDay },
    );
    report(
      "revenue/daily",
      "Money by location, local day and currency",
      revenueQuery,
      z.object({ days: z.array(revenueDay) }),
      async (asked) => ({ days: chosenDays(asked, await revenueDaily(asked.pool, asked.scope, asked.now)) }),
      { name: "days", row: revenueDay },
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
      z.object({ days: z.array(segmentsDay) }),
      async ({ pool, scope, today, now }) => ({ days: await segmentsDaily(pool, scope, today, now) }),
      { name: "days", row: segmentsDay },
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
      retentionQuery,
      z.object({ cohorts: z.array(cohort) }),
      async ({ pool, scope, query, now }) => ({ cohorts: await retention(pool, query.by, scope, now) }),
      { name: "cohorts", row: cohort },
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
      { name: "team", row: teamMember },
    );
  };
}
