import type { FastifyInstance } from "fastify";
import type { Database } from "../database/database.js";
import { checkSchema } from "../database/migrate.js";
import { Problem } from "./problem.js";

/** `/healthz`: the process lives. `/readyz`: it can do its work, that is, the database answers and its schema is ours. */
export function healthRoutes({ database }: { database: Database }) {
  return async (app: FastifyInstance) => {
    app.get("/healthz", async () => ({ status: "ok" }));

    // Anybody may ask, as often as they like: they share one look, so that they cannot use up the connections.
    let looking: Promise<"current" | "pending"> | undefined;
    const look = () => {
      looking ??= schemaState(database).finally(() => {
        looking = undefined;
      });
      return looking;
    };

    app.get("/readyz", async () => {
      const state = await look();
      if (state === "pending") {
        throw new Problem(503, "schema_pending", "The schema is older than this version: run migrate.");
      }
      return { status: "ready" };
    });
  };
}

async function schemaState(database: Database): Promise<"current" | "pending"> {
  try {
    return (await checkSchema(database)).state;
  } catch {
    throw new Problem(
      503,
      "not_ready",
      "The database does not answer, or its schema is not this version's.",
      5,
    );
  }
}
