import type pg from "pg";
import type { Database } from "../../src/database/database.js";

export interface RecordedPlan {
  readonly text: string;
  readonly milliseconds: number;
  /** The lines of EXPLAIN. */
  readonly plan: readonly string[];
}

/** Runs `work` on a database. Each statement inside a transaction is explained before it runs. */
export async function recordPlans(
  database: Database,
  how: "analyze, buffers" | "costs off",
  work: (database: Database) => Promise<unknown>,
): Promise<RecordedPlan[]> {
  const plans: RecordedPlan[] = [];
  const record = (client: pg.PoolClient) => {
    const query = client.query.bind(client) as (...given: unknown[]) => Promise<pg.QueryResult>;
    const explained = async (config: pg.QueryConfig | string, ...more: unknown[]) => {
      if (typeof config === "string" || !/^\s*(select|with)\b/i.test(config.text))
        return query(config, ...more);
      const { text, values = [] } = config;
      const started = performance.now();
      const { rows } = await query({ text: `explain (${how}) ${text}`, values });
      const milliseconds = performance.now() - started;
      plans.push({ text, milliseconds, plan: rows.map((row) => String(row["QUERY PLAN"])) });
      return query(config, ...more);
    };
    return new Proxy(client, {
      get: (target, name) => {
        if (name === "query") return explained;
        return bound(target, name);
      },
    });
  };
  const pool = new Proxy(database.pool, {
    get: (target, name) =>
      name === "connect" ? async () => record(await target.connect()) : bound(target, name),
  });
  await work({ ...database, pool });
  return plans;
}

function bound(target: object, name: string | symbol): unknown {
  const value = Reflect.get(target, name, target);
  return typeof value === "function" ? value.bind(target) : value;
}
