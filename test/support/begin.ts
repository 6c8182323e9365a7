import { expect } from "vitest";
import { DatabaseUrlProblems } from "../../src/config/database-url.js";
import { openDatabase } from "../../src/database/database.js";
import { explainUnavailable } from "../../src/database/failures.js";
import { migrate } from "../../src/database/migrate.js";
import { RegularsError } from "../../src/errors.js";
import { requireUsableDatabase } from "../../src/operations/database-checks.js";
import { addOrganization } from "../../src/organizations/organizations.js";

/** Begins like `serve`: opens the database, refuses it or migrates it, and uses its tables with SQL and with Prisma. */
export async function begin(
  databaseUrl: string,
): Promise<{ schema?: string; encrypted?: boolean; refusal?: string }> {
  try {
    const database = await openDatabase({ databaseUrl, dataDir: "", role: "server", poolSize: 2 });
    try {
      await requireUsableDatabase(database, { writes: true });
      await migrate(database);
      await addOrganization(database, { merchantId: "M1", timeZone: "Europe/Vienna" }, new Date());
      const { rows } = await database.pool.query(
        `select (select count(*)::int from organizations) as organizations, (select count(*)::int from customer_profiles) as profiles,
           local_date('2026-01-01T00:30Z', 'Europe/Vienna')::text as day, current_schema() as schema,
           (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as encrypted`,
      );
      expect(rows[0]).toMatchObject({ organizations: 1, profiles: 0, day: "2026-01-01" });
      expect(await database.prisma.organization.count()).toBe(1);
      expect(await database.exclusively("sweep", async () => "run")).toBe("run");
      return { schema: rows[0].schema, encrypted: rows[0].encrypted };
    } finally {
      await database.close();
    }
  } catch (error) {
    if (error instanceof RegularsError) return { refusal: error.message };
    if (error instanceof DatabaseUrlProblems) return { refusal: error.message };
    const refusal = explainUnavailable(error);
    if (refusal === undefined) throw error;
    return { refusal };
  }
}
