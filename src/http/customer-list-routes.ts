import { z } from "zod";
import { segments } from "../analytics/rules.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { ReadFrom } from "../database/replica.js";
import { InvalidParameter } from "../errors.js";
import { customerSorts } from "../reports/customer-statements.js";
import { type Cursor, type CustomerQuery, readCustomers } from "../reports/customers.js";
import { existingDay } from "../reports/period.js";
import { csvAnswer, csvColumns, sendPages } from "./csv.js";
import { type ApiInstance, security } from "./openapi.js";
import {
  adminErrors,
  customerRow,
  flag,
  oneOrSeveral,
  organizationParams,
  pageLimit,
  requireOrganization,
  squareId,
  wholeNumber,
} from "./schemas.js";
import type { CursorSeal } from "./sealed-cursor.js";

const day = (description: string) => z.string().optional().meta({ description });

const filters = z.strictObject({
  segment: oneOrSeveral(segments).optional().meta({ description: "One, or several with commas" }),
  customer_type: oneOrSeveral(["SERVICE_CLIENT", "RETAIL", "CANCELLED_ONLY", "POTENTIAL"]).optional(),
  visit_frequency: oneOrSeveral(["WEEKLY", "BIWEEKLY", "MONTHLY", "BIMONTHLY", "OCCASIONAL"]).optional(),
  location_id: squareId.optional().meta({ description: "The preferred location" }),
  technician_id: squareId.optional().meta({ description: "The preferred team member" }),
  overdue: flag.optional().meta({ description: "As is_overdue" }),
  due_within_days: wholeNumber(1, 90)
    .optional()
    .meta({ description: "Not overdue, nothing upcoming, and overdue by then unless they book" }),
  upcoming: flag.optional().meta({ description: "Whether a booking is still to come" }),
  min_visits: wholeNumber(0, 1_000_000).optional(),
  last_visit_from: day("First local day of the organization, YYYY-MM-DD"),
  last_visit_to: day("Last local day, included"),
  birthday_month: wholeNumber(1, 12).optional(),
  q: z
    .string()
    .regex(/^[^\0]*$/)
    .regex(/\S/)
    .max(255)
    .optional()
    .meta({
      description:
        "Words of the name or company by their beginning, in any order; an e-mail by its beginning; a phone number by " +
        "its last digits, at least 4; a Square id whole",
    }),
  sort: z.enum(customerSorts).default("name"),
  order: z.enum(["asc", "desc"]).default("asc").meta({ description: "NULL comes last in both" }),
});

const listQuery = filters.extend({
  limit: pageLimit,
  cursor: z
    .string()
    .optional()
    .meta({ description: "`next_cursor` of the previous answer with the same filters and order" }),
});

const csvQuery = filters.extend({
  columns: oneOrSeveral(csvColumns, "names a column that is not in the CSV")
    .refine((names) => new Set(names).size === names.length, "names a column twice")
    .optional()
    .meta({ description: "Names of columns with commas, in the order of the CSV; all of them by default" }),
});

/** How many rows are read at once for the CSV, if not said otherwise. */
const CSV_PAGE = 1_000;

interface Parts {
  readonly database: Database;
  readonly readFrom: ReadFrom;
  readonly clock: Clock;
  readonly cursors: CursorSeal;
  readonly csvPage?: number | undefined;
}

/** The list of customers, as pages of JSON and as one CSV. */
export function customerListRoutes({ database, readFrom, clock, cursors, csvPage = CSV_PAGE }: Parts) {
  return async (app: ApiInstance) => {
    const described = (summary: string) => ({
      summary,
      tags: ["Customers"],
      security: [...security.admin],
      params: organizationParams,
    });

    async function queryOf(
      { organizationId }: z.output<typeof organizationParams>,
      given: z.output<typeof filters>,
    ): Promise<CustomerQuery> {
      const { id, timeZone } = await requireOrganization(database, organizationId);
      requireDays(given);
      return { ...given, organizationId: id, timeZone, now: clock() };
    }

    app.get(
      "/api/organizations/:organizationId/customers",
      {
        schema: {
          ...described(
            "Customers, filtered, sorted and in pages; rows are at most a minute behind the clock",
          ),
          querystring: listQuery,
          response: {
            200: z.object({ customers: z.array(customerRow), next_cursor: z.string().nullable() }),
            ...adminErrors,
          },
        },
      },
      async (request) => {
        const { limit, cursor, ...given } = request.query;
        const query = await queryOf(request.params, given);
        const list = [query.organizationId, Object.entries(given).sort()];
        const after = cursors.open<Cursor>(list, cursor);
        const { customers, next } = await readFrom((pool) => readCustomers(pool, query, after, limit));
        return { customers, next_cursor: next && cursors.seal(list, next) };
      },
    );

    app.get(
      "/api/organizations/:organizationId/customers.csv",
      {
        // HEAD would read all customers for nothing.
        exposeHeadRoute: false,
        schema: {
          ...described(
            "The same customers in the same order, all of them, as CSV (RFC 4180, UTF-8 with BOM)",
          ),
          querystring: csvQuery,
          response: {
            200: csvAnswer,
            ...adminErrors,
          },
        },
      },
      async (request, reply) => {
        const { columns = csvColumns, ...given } = request.query;
        const query = await queryOf(request.params, given);
        return sendPages<Cursor>(reply, "customers", columns, async (after) => {
          const { customers, next } = await readFrom((pool) => readCustomers(pool, query, after, csvPage));
          return { rows: customers, next };
        });
      },
    );
  };
}

function requireDays({ last_visit_from, last_visit_to }: z.output<typeof filters>): void {
  if (last_visit_from !== undefined) existingDay("last_visit_from", last_visit_from);
  if (last_visit_to !== undefined) existingDay("last_visit_to", last_visit_to);
  if (last_visit_from !== undefined && last_visit_to !== undefined && last_visit_from > last_visit_to) {
    throw new InvalidParameter("last_visit_from", "last_visit_from must not be after last_visit_to.");
  }
}
