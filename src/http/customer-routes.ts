import { z } from "zod";
import { recomputeCustomer } from "../analytics/customer.js";
import { type HistoryPlace, readCustomer } from "../analytics/customer-history.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { ignoreBodies } from "./ignore-bodies.js";
import { type ApiInstance, security } from "./openapi.js";
import { Problem } from "./problem.js";
import {
  adminErrors,
  bookingRow,
  changeErrors,
  customerParams,
  customerRow,
  instant,
  paymentRow,
  requireOrganization,
} from "./schemas.js";
import type { CursorSeal } from "./sealed-cursor.js";

const historyQuery = z.strictObject({
  before: z
    .string()
    .optional()
    .meta({ description: "`older` of the previous answer: reads earlier bookings and payments" }),
});

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly cursors: CursorSeal;
}

/** The routes that read and recompute one customer. */
export function customerRoutes({ database, clock, cursors }: Parts) {
  return async (app: ApiInstance) => {
    ignoreBodies(app);
    const described = (summary: string, answer: z.ZodType, errors: object = adminErrors) => ({
      summary,
      tags: ["Customers"],
      security: [...security.admin],
      params: customerParams,
      response: { 200: answer, ...errors },
    });

    app.get(
      "/api/organizations/:organizationId/customers/:squareCustomerId",
      {
        schema: {
          ...described(
            "One customer, exact now, with the newest 200 bookings and payments; a merged id returns its survivor",
            z.object({
              customer: customerRow,
              bookings: z.array(bookingRow),
              payments: z.array(paymentRow),
              merged_ids: z.array(z.string()),
              next_change: z.object({ at: instant, columns: z.array(z.string()) }).nullable(),
              older: z.string().nullable(),
            }),
          ),
          querystring: historyQuery,
        },
      },
      async ({ params, query }) => {
        const { organizationId, squareCustomerId } = params;
        const { id } = await requireOrganization(database, organizationId);
        const list = (customerId: string) => ["history", id, customerId];
        const read = await readCustomer(database.pool, id, squareCustomerId, clock(), (customerId) =>
          cursors.open<HistoryPlace>(list(customerId), query.before, "before"),
        );
        if (!read) return customerNotFound();
        const { history, next } = read;
        const survivorId = String(history.customer.square_customer_id);
        return { ...history, older: next && cursors.seal(list(survivorId), next) };
      },
    );

    app.post(
      "/api/organizations/:organizationId/customers/:squareCustomerId/recompute",
      {
        schema: described(
          "Recompute one customer, and return what was different",
          z.object({
            customer: customerRow.nullable(),
            changed: z.boolean(),
            drift: z.record(z.string(), z.object({ before: z.unknown(), after: z.unknown() })),
          }),
          changeErrors,
        ),
      },
      async ({ params }) => {
        const { organizationId, squareCustomerId } = params;
        await requireOrganization(database, organizationId);
        return (
          (await recomputeCustomer(database.pool, organizationId, squareCustomerId, clock())) ??
          customerNotFound()
        );
      },
    );
  };
}

/** @throws Problem 404 */
export function customerNotFound(): never {
  throw new Problem(404, "customer_not_found", "This organization has no such customer.");
}
