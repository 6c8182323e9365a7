/** Zod schemas that several routes share. */
import { z } from "zod";
import { type ColumnType, isNullable } from "../analytics/column.js";
import { columns } from "../analytics/columns/catalogue.js";
import type { Database } from "../database/database.js";
import { query } from "../database/query.js";
import { Problem } from "./problem.js";

/** Integer minor units. A string beyond 2^53, because a number would be inexact. */
export const money = z.union([z.int(), z.string().regex(/^-?\d+$/)]).meta({ description: "Minor units" });

export const count = z.int();

/** RFC 3339 in UTC. */
export const instant = z.string().meta({ format: "date-time" });

export const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

/** An id of a Square object. Postgres text cannot hold NUL. */
export const squareId = z.string().regex(/^[^\0]{1,255}$/, "must be an id of 1 to 255 characters");

const valueTypes: Readonly<Record<ColumnType, z.ZodType>> = {
  text: z.string(),
  integer: count,
  smallint: count,
  bigint: money,
  "numeric(24,2)": z.number(),
  "numeric(24,4)": z.number(),
  boolean: z.boolean(),
  timestamptz: instant,
  jsonb: z.array(z.unknown()),
};

const name = z.string().nullable().optional().meta({ description: "In lists only" });

/** A row of `customer_analytics`, described by the catalogue. */
export const customerRow = z
  .looseObject({
    organization_id: z.uuid(),
    square_customer_id: z.string().meta({ description: "The survivor's id" }),
    ...Object.fromEntries(
      columns.map((column) => {
        const value = isNullable(column) ? valueTypes[column.type].nullable() : valueTypes[column.type];
        return [column.name, value.meta({ description: column.description })];
      }),
    ),
    computed_at: instant.meta({ description: "The row is exact from here until refresh_due_at" }),
    refresh_due_at: instant.nullable().meta({ description: "null: no clock changes it" }),
    preferred_location_name: name,
    preferred_technician_name: name,
    preferred_service_name: name,
  })
  .meta({ id: "Customer" });

const id = z.string().nullable();

/** A booking of a customer. */
export const bookingRow = z
  .looseObject({
    booking_id: z.string(),
    version: count,
    status: z.string(),
    customer_id: id,
    reported_customer_id: id.meta({ description: "As Square reported it, before merges" }),
    location_id: id,
    start_at: instant,
    created_at: instant,
    updated_at: instant,
    duration_minutes: count,
    customer_note: id,
    seller_note: id,
    creator_type: id,
    source: id,
    segments: z.array(
      z.object({
        segment_index: count,
        team_member_id: id,
        service_variation_id: id,
        duration_minutes: count,
      }),
    ),
  })
  .meta({ id: "Booking" });

/** A payment of a customer. */
export const paymentRow = z
  .looseObject({
    payment_id: z.string(),
    status: z.string(),
    customer_id: id,
    reported_customer_id: id.meta({ description: "As Square reported it, before merges" }),
    location_id: id,
    order_id: id,
    amount_cents: money,
    tip_cents: money,
    total_cents: money,
    processing_fee_cents: money,
    currency: z.string(),
    source_type: id,
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: "Payment" });

/** A whole number in a query. */
export const wholeNumber = (least: number, most: number) => {
  const right = `is a whole number from ${least} to ${most}`;
  return z.preprocess(
    (text) => (typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : text),
    z.int(right).min(least, right).max(most, right),
  );
};

/** How many rows of a list one answer holds. */
export const pageLimit = wholeNumber(1, 200)
  .default(50)
  .meta({ description: "How many rows; 50 by default" });

export const flag = z.enum(["true", "false"]).transform((text) => text === "true");

/**
 * One or more of these values in a query, separated by commas.
 *
 * @param refusal what another value is refused with; zod's own list of the values when left out
 */
export const oneOrSeveral = <const Values extends readonly [string, ...string[]]>(
  values: Values,
  refusal?: string,
) =>
  z.preprocess(
    (given) => [given].flat().flatMap((text) => (typeof text === "string" ? text.split(",") : [text])),
    z.array(z.enum(values, refusal)).min(1),
  );

export const organizationParams = z.strictObject({ organizationId: z.uuid() });

export const customerParams = organizationParams.extend({ squareCustomerId: squareId });

/** The query of a report over a period. src/reports/period.ts checks the days. */
export const periodQuery = z.strictObject({
  from: z
    .string()
    .optional()
    .meta({ description: "First local day, YYYY-MM-DD; 29 days before `to` by default" }),
  to: z.string().optional().meta({ description: "Last local day, included; today by default" }),
});

export const placeQuery = periodQuery.extend({
  location_id: squareId.optional().meta({ description: "One location; all of them by default" }),
});

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: "Stable" }),
    detail: z.string(),
    parameter: z.string().optional().meta({ description: "The name of the wrong parameter" }),
  })
  .meta({ id: "Problem" });

export const problemAnswer = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problem } },
});

/** The error answers of every route that needs the admin key. */
export const adminErrors = {
  400: problemAnswer("A parameter is wrong; `parameter` names it"),
  401: problemAnswer("The key or session is missing or wrong"),
  404: problemAnswer("It does not exist"),
  503: problemAnswer("ADMIN_API_KEY is not set, or the database cannot be reached"),
};

/** The error answers of a route that needs the admin key and changes something. */
export const changeErrors = {
  ...adminErrors,
  403: problemAnswer("A request with a session's cookie came from another site's page"),
  413: problemAnswer("The body is larger than 1 MiB"),
  415: problemAnswer("The body is not application/json"),
};

export interface OrganizationFacts {
  readonly id: string;
  readonly currency: string;
  readonly timeZone: string;
}

// Index: primary key. Every route begins with it, and Prisma would plan it anew in the server each time.
const organizationStatement = {
  name: "organization_of_route",
  text: `
    select id, coalesce(currency, 'USD') as currency, time_zone as "timeZone" from organizations where id = $1`,
};

/**
 * Reads the organization of a route.
 *
 * @throws Problem 404 `organization_not_found`
 */
export async function requireOrganization(
  { pool }: Pick<Database, "pool">,
  id: string,
): Promise<OrganizationFacts> {
  const { rows } = await query<OrganizationFacts>(pool, organizationStatement, [id]);
  const organization = rows[0];
  if (!organization) throw new Problem(404, "organization_not_found", "There is no such organization.");
  return organization;
}
