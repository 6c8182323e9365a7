import type { FastifyInstance, FastifyRequest } from "fastify";
import type pg from "pg";
import { z } from "zod";
import type { ApiRow } from "../analytics/api-row.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { ReadFrom } from "../database/replica.js";
import { type BookingPlace, countedBookings } from "../reports/bookings.js";
import type { CustomerPlace } from "../reports/customer-page.js";
import { appointmentsDaily, revenueDaily, type Scope } from "../reports/daily.js";
import { kpi } from "../reports/kpi.js";
import { localDayOf } from "../reports/local-day.js";
import { countedPayments, type PaymentPlace } from "../reports/payments.js";
import { periodOf } from "../reports/period.js";
import { cohortCustomers, retention } from "../reports/retention.js";
import { movementCustomers } from "../reports/segment-customers.js";
import { segmentMovements, segmentsDaily } from "../reports/segments.js";
import { team } from "../reports/team.js";
import { csvAnswer, csvHeader, csvHeaders, csvLines } from "./csv.js";
import { security } from "./openapi.js";
import {
  appointmentsDay,
  bookingsQuery,
  change,
  cohort,
  cohortCustomer,
  cohortCustomersQuery,
  countedBooking,
  countedPayment,
  kpiNumbers,
  movement,
  movementCustomer,
  movementCustomersQuery,
  paymentsQuery,
  period,
  retentionQuery,
  revenueDay,
  segmentsDay,
  teamMember,
} from "./report-schemas.js";
import {
  adminErrors,
  type OrganizationFacts,
  organizationParams,
  periodQuery,
  placeQuery,
  requireOrganization,
} from "./schemas.js";
import type { CursorSeal } from "./sealed-cursor.js";

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

interface Parts {
  readonly database: Database;
  readonly readFrom: ReadFrom;
  readonly clock: Clock;
  readonly cursors: CursorSeal;
}

/** The reports over a period. */
export function reportRoutes({ database, readFrom, clock, cursors }: Parts) {
  return async (app: FastifyInstance) => {
    /** @param list the answer's only list, which can be had as CSV too */
    function report<Query extends z.ZodType<PeriodAsked>, Answer extends z.ZodType>(
      path: string,
      summary: string,
      querystring: Query,
      answer: Answer,
      read: (asked: Asked<z.output<Query>>) => Promise<object>,
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
        // Validated by the schemas above.
        const { organizationId } = request.params as z.output<typeof organizationParams>;
        const query = request.query as z.output<Query>;
        const organization = await requireOrganization(database, organizationId);
        const now = clock();
        const today = await localDayOf(database.pool, now, organization.timeZone);
        const period = periodOf(query, today);
        const scope = { ...period, organizationId: organization.id, locationId: query.location_id ?? null };
        return readFrom((pool) => read({ pool, organization, scope, query, today, now }));
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
        csvHeaders(reply, path.replace("/", "-"));
        const columns = Object.keys(list.row.shape);
        return csvHeader(columns) + csvLines(columns, rows ?? []);
      });
    }

    report(
      "appointments/daily",
      "Bookings by location and local day",
      placeQuery,
      z.object({ days: z.array(appointmentsDay) }),
      async ({ pool, scope, now }) => ({ days: await appointmentsDaily(pool, scope, now) }),
      { name: "days", row: appointmentsDay },
    );
    report(
      "revenue/daily",
      "Money by location, local day and currency",
      placeQuery,
      z.object({ days: z.array(revenueDay) }),
      async ({ pool, scope, now }) => ({ days: await revenueDaily(pool, scope, now) }),
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
      "segments/movements/customers",
      "The customers that a movement, or a segment at the end of a day, counts",
      movementCustomersQuery,
      z.object({ customers: z.array(movementCustomer), next_cursor: z.string().nullable() }),
      async ({ pool, scope, query: { from_segment, to_segment, limit, cursor }, today, now }) => {
        const asked = { from: from_segment ?? null, to: to_segment };
        const list = [scope, "movement customers", asked];
        const after = cursors.open<CustomerPlace>(list, cursor);
        const page = await movementCustomers(pool, scope, asked, today, now, after, limit);
        return { customers: page.customers, next_cursor: page.next && cursors.seal(list, page.next) };
      },
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
      "retention/customers",
      "The customers that a number of `retention` counts",
      cohortCustomersQuery,
      z.object({ customers: z.array(cohortCustomer), next_cursor: z.string().nullable() }),
      async ({ pool, scope, query: { by, counted, cohort, limit, cursor }, now }) => {
        const asked = { by, counted, cohort: cohort ?? null };
        const list = [scope, "cohort customers", asked];
        const after = cursors.open<CustomerPlace>(list, cursor);
        const page = await cohortCustomers(pool, scope, asked, now, after, limit);
        return { customers: page.customers, next_cursor: page.next && cursors.seal(list, page.next) };
      },
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
    report(
      "bookings",
      "The bookings that a number of the period counts, the latest first",
      bookingsQuery,
      z.object({ bookings: z.array(countedBooking), next_cursor: z.string().nullable() }),
      async ({ pool, scope, query: { counted, team_member_id, limit, cursor }, now }) => {
        const teamMemberId = team_member_id ?? null;
        const list = [scope, "bookings", counted, teamMemberId];
        const after = cursors.open<BookingPlace>(list, cursor);
        const page = await countedBookings(pool, scope, { counted, teamMemberId }, now, after, limit);
        return { bookings: page.bookings, next_cursor: page.next && cursors.seal(list, page.next) };
      },
    );
    report(
      "payments",
      "The payments and refunds that a number of the period counts, the latest first",
      paymentsQuery,
      z.object({ payments: z.array(countedPayment), next_cursor: z.string().nullable() }),
      async ({ pool, scope, query: { counted, limit, cursor } }) => {
        const list = [scope, "payments", counted];
        const after = cursors.open<PaymentPlace>(list, cursor);
        const page = await countedPayments(pool, scope, counted, after, limit);
        return { payments: page.payments, next_cursor: page.next && cursors.seal(list, page.next) };
      },
    );
  };
}

interface PeriodAsked {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly location_id?: string | undefined;
}
