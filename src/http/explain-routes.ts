import { z } from "zod";
import { definitionVersion, isNullable } from "../analytics/column.js";
import { columns } from "../analytics/columns/catalogue.js";
import { columnSql } from "../analytics/totals.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import {
  kpiDefinitions,
  retentionDefinitions,
  segmentDefinitions,
  teamDefinitions,
} from "../reports/definitions.js";
import { columnNamed, explain, type RowCursor } from "../reports/explain.js";
import { csvAnswer, sendPages } from "./csv.js";
import { customerNotFound } from "./customer-routes.js";
import { type ApiInstance, security } from "./openapi.js";
import { Problem } from "./problem.js";
import { adminErrors, customerParams, instant, requireOrganization } from "./schemas.js";
import type { CursorSeal } from "./sealed-cursor.js";

const explainParams = customerParams.extend({
  column: z.string().max(63).meta({ description: "A column of GET /api/columns" }),
});

const explainQuery = z.strictObject({
  before: z.string().optional().meta({ description: "`older` of the previous answer: reads earlier rows" }),
});

const contribution = z.object({
  id: z.string(),
  time: instant.nullable(),
  value: z.unknown(),
  counted: z.boolean(),
});

const explanation = z.object({
  square_customer_id: z.string(),
  column: z.string(),
  type: z.string(),
  unit: z.string().nullable(),
  description: z.string(),
  value: z.unknown(),
  as_of: instant,
  exact_until: instant.nullable(),
  from: z.string().meta({ description: "The relation whose rows are counted, `profile`, or `columns`" }),
  condition: z
    .string()
    .nullable()
    .meta({
      description:
        "Which rows count, as SQL; null means all rows. `visit`: an ACCEPTED booking that has begun. `upcoming`: an ACCEPTED " +
        "or PENDING one that has not. `main`: COMPLETED, in the currency of most of the customer's payments.",
    }),
  aggregate: z.string().nullable().meta({ description: "How the value is made of the counted rows" }),
  rows: z.array(contribution),
  older: z.string().nullable(),
  inputs: z.record(z.string(), z.unknown()),
  formula: z.string().nullable(),
});

const definitions = z.record(z.string(), z.string());

const dictionary = z.object({
  definition_version: z.int(),
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      unit: z.string().nullable(),
      description: z.string(),
      sql: z.string(),
      nullable: z.boolean(),
      clock_driven: z.boolean(),
      clock: z.array(z.string()).meta({ description: "The instants at which it changes without an event" }),
      from: z.string(),
    }),
  ),
  measures: z
    .object({ kpi: definitions, team: definitions, retention: definitions, segments: definitions })
    .meta({ description: "What each number of `kpi`, `team`, `retention` and `segments/daily` means" }),
});

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly cursors: CursorSeal;
}

/** The dictionary of columns, and the explanation of one value. */
export function explainRoutes({ database, clock, cursors }: Parts) {
  return async (app: ApiInstance) => {
    app.get(
      "/api/columns",
      {
        schema: {
          summary:
            "Every column of a customer's row, its meaning and its computation; and what the numbers of reports mean",
          tags: ["Customers"],
          security: [...security.admin],
          response: { 200: dictionary, ...adminErrors },
        },
      },
      async () => ({
        definition_version: definitionVersion,
        columns: described,
        measures: {
          kpi: kpiDefinitions,
          team: teamDefinitions,
          retention: retentionDefinitions,
          segments: segmentDefinitions,
        },
      }),
    );

    const address = "/api/organizations/:organizationId/customers/:squareCustomerId/explain/:column";
    const route = {
      summary: "The rows or columns that a value was computed from; a merged id returns its survivor",
      tags: ["Customers"],
      security: [...security.admin],
      params: explainParams,
    };

    app.get(
      address,
      { schema: { ...route, querystring: explainQuery, response: { 200: explanation, ...adminErrors } } },
      async ({ params, query: { before } }) => {
        const { id, read } = await asked(params);
        const list = (customerId: string) => [id, customerId, params.column];
        const explained = await read((customerId) =>
          cursors.open<RowCursor>(list(customerId), before, "before"),
        );
        const { explanation, next } = explained;
        return { ...explanation, older: next && cursors.seal(list(explanation.square_customer_id), next) };
      },
    );

    // HEAD would read all rows for nothing.
    app.get(
      `${address}.csv`,
      {
        exposeHeadRoute: false,
        schema: {
          ...route,
          summary: "The rows that a value was computed from, all of them, as CSV (RFC 4180, UTF-8 with BOM)",
          querystring: z.strictObject({}),
          response: { 200: csvAnswer, ...adminErrors },
        },
      },
      async ({ params }, reply) => {
        const { read } = await asked(params);
        const columns = Object.keys(contribution.shape);
        return sendPages<RowCursor>(reply, params.column, columns, async (after) => {
          const { explanation, next } = await read(() => after);
          return { rows: explanation.rows.map((row) => ({ ...row })), next };
        });
      },
    );

    /** @returns the organization, and what reads a page of the explanation */
    async function asked({ organizationId, squareCustomerId, column: name }: z.output<typeof explainParams>) {
      const { id } = await requireOrganization(database, organizationId);
      const column = columnNamed(name);
      if (!column)
        throw new Problem(404, "column_not_found", "There is no such column. See GET /api/columns.");
      const read = async (behind: (survivorId: string) => RowCursor | null) =>
        (await explain(database.pool, id, squareCustomerId, column, clock(), behind)) ?? customerNotFound();
      return { id, read };
    }
  };
}

const described = columns.map((column) => ({
  name: column.name,
  type: column.type,
  unit: column.unit ?? null,
  description: column.description,
  sql: columnSql(column),
  nullable: isNullable(column),
  clock_driven: column.clock !== undefined,
  clock: column.clock ?? [],
  from: column.from,
}));
