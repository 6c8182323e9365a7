import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Database } from "../database/database.js";
import { checkSchema } from "../database/migrate.js";
import { takesWrites } from "../operations/database-checks.js";
import { Problem } from "./problem.js";
import { problemAnswer } from "./schemas.js";

/** `/healthz`: the process runs. `/readyz`: the database answers, accepts writes, and has the current schema. */
export function healthRoutes({ database }: { database: Database }) {
  return async (app: FastifyInstance) => {
    app.get("/healthz", { schema: healthSchema("The process runs") }, async () => ({ status: "ok" }));

    // Requests at the same time share one check. So they cannot use up the database's connections.
    let checking: Promise<Problem | undefined> | undefined;
    const check = () => {
      checking ??= findProblem(database).finally(() => {
        checking = undefined;
      });
      return checking;
    };

    app.get(
      "/readyz",
      { schema: healthSchema("The database answers, accepts writes, and has the current schema") },
      async () => {
        const problem = await check();
        if (problem) throw problem;
        return { status: "ready" };
      },
    );
  };
}

function healthSchema(summary: string) {
  return {
    summary,
    tags: ["Health"],
    response: { 200: z.object({ status: z.string() }), 503: problemAnswer("Not ready") },
  };
}

async function findProblem(database: Database): Promise<Problem | undefined> {
  try {
    const { state } = await checkSchema(database);
    if (state === "pending") {
      return new Problem(503, "schema_pending", "Migrations are pending. Run migrate.");
    }
    if (await takesWrites(database)) return undefined;
    return new Problem(503, "read_only", "The database is read-only.", { retryAfterSeconds: 5 });
  } catch {
    const detail = "The database does not answer, or this version does not know its schema.";
    return new Problem(503, "not_ready", detail, { retryAfterSeconds: 5 });
  }
}
