import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { recomputeCustomer } from "../analytics/customer.js";
import { readCustomer } from "../analytics/customer-history.js";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { requireBearer } from "./auth.js";
import { ignoreBodies } from "./ignore-bodies.js";
import { Problem } from "./problem.js";

const paramsSchema = z.object({
  organizationId: z.uuid(),
  // Postgres has no NUL in a text.
  squareCustomerId: z.string().regex(/^[^\0]{1,255}$/),
});

const querySchema = z.strictObject({ before: z.string().optional() });

/** Reading and recomputing one customer (contract section 2). */
export function customerRoutes(options: {
  database: Database;
  clock: Clock;
  adminApiKey: string | undefined;
}) {
  const { database, clock, adminApiKey } = options;
  return async (app: FastifyInstance) => {
    app.addHook("onRequest", requireBearer(adminApiKey, "ADMIN_API_KEY"));
    ignoreBodies(app);

    app.get("/api/organizations/:organizationId/customers/:squareCustomerId", async (request) => {
      const { organizationId, squareCustomerId } = await customerOf(database, request.params);
      const read = querySchema.safeParse(request.query);
      if (!read.success) throw new Problem(400, "invalid_request", "The one parameter is before, a cursor.");
      const { before } = read.data;
      const history = await readCustomer(database.pool, organizationId, squareCustomerId, clock(), before);
      return history ?? notFound();
    });

    app.post("/api/organizations/:organizationId/customers/:squareCustomerId/recompute", async (request) => {
      const { organizationId, squareCustomerId } = await customerOf(database, request.params);
      const result = await recomputeCustomer(database.pool, organizationId, squareCustomerId, clock());
      return result ?? notFound();
    });
  };
}

async function customerOf(database: Database, params: unknown) {
  const read = paramsSchema.safeParse(params);
  if (!read.success)
    throw new Problem(400, "invalid_request", "organizationId is a UUID, and a customer id is needed.");
  const { organizationId } = read.data;
  const organization = await database.prisma.organization.findUnique({
    where: { id: organizationId },
    select: { id: true },
  });
  if (!organization) throw new Problem(404, "organization_not_found", "There is no such organization.");
  return read.data;
}

function notFound(): never {
  throw new Problem(404, "customer_not_found", "This organization has no such customer.");
}
