import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Database } from "../database/database.js";
import { checkSchema } from "../database/migrate.js";
import { takesWrites } from "../operations/database-checks.js";
import { Problem } from "./problem.js";
import { problemAnswer } from "./schemas.js";

/**
 * `/healthz`: the process lives. `/readyz`: the database answers, takes writes, and its schema is current.
 */
export function healthRoutes({ database }: { database: Database }) {
  return async (app: FastifyInstance) => {
    app.get("/healthz", { schema: healthSchema("The process lives") }, async () => ({ status: "ok" }));

    // Anybody may ask, as often as they like: they share one look, so that they cannot use up the connections.
    let looking: Promise<Problem | undefined> | undefined;
    const look = () => {
      looking ??= whatIsMissing(database).finally(() => {
        looking = undefined;
      });
      return looking;
    };

    app.get(
      "/readyz",
      { schema: healthSchema("The database answers, takes writes, and its schema is current") },
      async () => {
        const problem = await look();
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
    response: { 200: z.object({ status: z.string() }), 503: problemAnswer("Not now") },
  };
}

async function whatIsMissing(database: Database): Promise<Problem | undefined> {
  try {
    const { state } = await checkSchema(database);
    if (state === "pending") {
      return new Problem(503, "schema_pending", "The schema is older than this version: run migrate.");
    }
    if (await takesWrites(database)) return undefined;
    return new Problem(503, "read_only", "The database takes no writes.", { retryAfterSeconds: 5 });
  } catch {
    const detail = "The database does not answer, or its schema is not this version's.";
    return new Problem(503, "not_ready", detail, { retryAfterSeconds: 5 });
  }
}
