import { readdir } from "node:fs/promises";
import { migrationsFolder } from "../../../src/database/migrate.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ServerProcess } from "../runner/server-process.js";

/** Starts many servers at once on an empty database. */
export function coldStarts({ servers: count }: { readonly servers: number }): Attack {
  return {
    name: "cold-starts",
    describe:
      "Many servers start at once on an empty database: each migration runs once, every server listens, and every server takes events.",
    run: (context) => run(context, count),
  };
}

async function run(context: AttackContext, count: number): Promise<void> {
  const { tally, random } = context;
  for (const round of context.rounds()) {
    const attacked = await context.openDatabase();
    const { pool } = attacked.database;
    await pool.query("drop schema public cascade");
    await pool.query("create schema public");
    tally.fault(count);
    const started = performance.now();
    const servers = await Promise.all(Array.from({ length: count }, () => ServerProcess.start(attacked.url)));
    context.defer(() => Promise.all(servers.map((server) => server.kill())));
    tally.peak("ms until the last one listened", performance.now() - started);
    const { rows } = await pool.query<{ name: string }>(
      "select migration_name as name from _prisma_migrations order by 1",
    );
    const migrations = (await readdir(migrationsFolder())).filter((name) => !name.endsWith(".toml")).sort();
    const applied = rows.map(({ name }) => name);
    const isOnce = JSON.stringify(applied) === JSON.stringify(migrations);
    tally.expect(isOnce, `the recorded migrations are ${applied.join(", ")}`);
    const salon = await addSalon(attacked, `${context.seed}-${round}`, 2);
    const sender = new Sender({ url: () => random.pick(servers).url, tally });
    tally.expect((await sender.deliver(salon.events)) === 0, "events were never acknowledged");
    sender.close();
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
    await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
    await Promise.all(servers.map((server) => server.kill()));
  }
}
