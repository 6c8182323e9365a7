import type { FastifyInstance } from "fastify";
import type pg from "pg";
import { z } from "zod";
import { type BookingPlace, countedBookings } from "../reports/bookings.js";
import type { CustomerPlace } from "../reports/customer-page.js";
import { countedPayments, type PaymentPlace } from "../reports/payments.js";
import { cohortCustomers } from "../reports/retention.js";
import { movementCustomers } from "../reports/segment-customers.js";
import { type Asked, askedReport, type PeriodAsked, type ReportParts } from "./asked-report.js";
import { csvAnswer, type Page, sendPages } from "./csv.js";
import { security } from "./openapi.js";
import {
  bookingsQuery,
  cohortCustomer,
  cohortCustomersQuery,
  countedBooking,
  countedPayment,
  movementCustomer,
  movementCustomersQuery,
  paymentsQuery,
} from "./report-schemas.js";
import { adminErrors, organizationParams, pageLimit } from "./schemas.js";
import type { CursorSeal } from "./sealed-cursor.js";

const pageQuery = z.object({
  limit: pageLimit,
  cursor: z.string().optional().meta({ description: "`next_cursor` of the previous answer" }),
});

/**
 * How many rows are read at once for a CSV, if not said otherwise. A list of customers finds all of them again for
 * each page, so pages are long. Their rows are short.
 */
const CSV_PAGE = 5_000;

/** A list of what a number counts. */
interface CountedList<Filters extends z.ZodObject, Place> {
  readonly path: string;
  readonly summary: string;
  readonly filters: Filters;
  /** The name of the rows in the JSON. */
  readonly name: string;
  readonly row: z.ZodObject;
  readonly read: (
    pool: pg.Pool,
    asked: Asked<z.output<Filters>>,
    after: Place | null,
    limit: number,
  ) => Promise<Page<Place>>;
}

interface Parts extends ReportParts {
  readonly cursors: CursorSeal;
  readonly csvPage?: number | undefined;
}

/** The rows that the reports' numbers count, as pages of JSON and as one CSV. */
export function countedListRoutes({ cursors, csvPage = CSV_PAGE, ...parts }: Parts) {
  return async (app: FastifyInstance) => {
    function list<Filters extends z.ZodObject, Place>(
      listed: CountedList<Filters, Place> & { filters: z.ZodType<PeriodAsked> },
    ): void {
      const { path, name, row, filters } = listed;
      const described = { tags: ["Reports"], security: [...security.admin], params: organizationParams };
      const address = `/api/organizations/:organizationId/${path}`;
      const read = (asked: Asked<z.output<Filters>>, after: Place | null, limit: number) =>
        parts.readFrom((pool) => listed.read(pool, asked, after, limit));
      const schema = {
        ...described,
        summary: listed.summary,
        querystring: filters.extend(pageQuery.shape),
        response: {
          200: z.object({ [name]: z.array(row), next_cursor: z.string().nullable() }),
          ...adminErrors,
        },
      };
      app.get(address, { schema }, async (request) => {
        type Query = z.output<Filters> & PeriodAsked & z.output<typeof pageQuery>;
        const asked = await askedReport<Query>(parts, request);
        const { from: _from, to: _to, location_id: _location, limit, cursor, ...filtered } = asked.query;
        const sealed = [path, asked.scope, filtered];
        const { rows, next } = await read(asked, cursors.open<Place>(sealed, cursor), limit);
        return { [name]: rows, next_cursor: next && cursors.seal(sealed, next) };
      });
      const csvSchema = {
        ...described,
        summary: `${listed.summary}, all of them, as CSV (RFC 4180, UTF-8 with BOM)`,
        querystring: filters,
        response: { 200: csvAnswer, ...adminErrors },
      };
      // HEAD would read all rows for nothing.
      app.get(`${address}.csv`, { exposeHeadRoute: false, schema: csvSchema }, async (request, reply) => {
        const asked = await askedReport<z.output<Filters> & PeriodAsked>(parts, request);
        const columns = Object.keys(row.shape);
        return sendPages<Place>(reply, path.replaceAll("/", "-"), columns, (after) =>
          read(asked, after, csvPage),
        );
      });
    }

    list({
      path: "segments/movements/customers",
      summary: "The customers that a movement, or a segment at the end of a day, counts",
      filters: movementCustomersQuery,
      name: "customers",
      row: movementCustomer,
      async read(pool, { scope, query, today, now }, after: CustomerPlace | null, limit) {
        const movement = { from: query.from_segment ?? null, to: query.to_segment };
        const { customers, next } = await movementCustomers(pool, scope, movement, today, now, after, limit);
        return { rows: customers, next };
      },
    });
    list({
      path: "retention/customers",
      summary: "The customers that a number of `retention` counts",
      filters: cohortCustomersQuery,
      name: "customers",
      row: cohortCustomer,
      async read(pool, { scope, query: { by, counted, cohort }, now }, after: CustomerPlace | null, limit) {
        const asked = { by, counted, cohort: cohort ?? null };
        const { customers, next } = await cohortCustomers(pool, scope, asked, now, after, limit);
        return { rows: customers, next };
      },
    });
    list({
      path: "bookings",
      summary: "The bookings that a number of the period counts, the latest first",
      filters: bookingsQuery,
      name: "bookings",
      row: countedBooking,
      async read(pool, { scope, query, now }, after: BookingPlace | null, limit) {
        const asked = { counted: query.counted, teamMemberId: query.team_member_id ?? null };
        const { bookings, next } = await countedBookings(pool, scope, asked, now, after, limit);
        return { rows: bookings, next };
      },
    });
    list({
      path: "payments",
      summary: "The payments and refunds that a number of the period counts, the latest first",
      filters: paymentsQuery,
      name: "payments",
      row: countedPayment,
      async read(pool, { scope, query }, after: PaymentPlace | null, limit) {
        const { payments, next } = await countedPayments(pool, scope, query.counted, after, limit);
        return { rows: payments, next };
      },
    });
  };
}
