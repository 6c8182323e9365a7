import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import { type AttackDatabase, asAdmin } from "../runner/databases.js";
import { HttpClient } from "../runner/http.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ADMIN_KEY, type ServerProcess } from "../runner/server-process.js";
import { HealthWatch } from "./health-watch.js";

/** How many connections the server's user may open. The attack takes all of them. */
const CONNECTIONS = 12;

/** Takes every connection: first at Postgres, then in the server's pool. */
export function exhaustion(): Attack {
  return {
    name: "exhaustion",
    describe:
      "Others hold every connection that Postgres allows the server, then readers hold every connection of its pool: events are answered 503 with Retry-After, /healthz answers, and every event is counted when connections are free again.",
    run,
  };
}

async function run(context: AttackContext): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const url = await makeLimitedUser(context, attacked);
  const server = await context.startServer(attacked, { databaseUrl: url.href });
  const health = new HealthWatch(() => server.url, tally);
  context.defer(() => health.stop());
  for (const round of context.rounds()) {
    const salon = await addSalon(attacked, `${context.seed}-${round}`, 4);
    const half = Math.floor(salon.events.length / 2);
    const sender = new Sender({ url: () => server.url, tally });

    tally.fault();
    const free = await occupy(attacked, url);
    const first = sender.deliver(salon.events.slice(0, half));
    await wait(random.int(300, 1_500));
    tally.expect(sender.statuses[200] === undefined, "an event was acknowledged without a connection");
    tally.expect((sender.statuses[503] ?? 0) > 0, "no event was answered 503 while there was no connection");
    await free();
    tally.expect((await first) === 0, "events were never acknowledged, although connections were free again");

    tally.fault();
    const unblock = await blockReaders(attacked, server, salon.organizationId);
    const second = sender.deliver(salon.events.slice(half));
    await wait(random.int(300, 1_500));
    await unblock();
    tally.expect((await second) === 0, "events were never acknowledged, although the readers had ended");
    sender.close();
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
    await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
  }
}

/** A user of the attacked database with few connections. */
async function makeLimitedUser(
  context: AttackContext,
  { name, url, database }: AttackDatabase,
): Promise<URL> {
  await asAdmin(`create role ${name} login password '${name}' connection limit ${CONNECTIONS}`);
  context.defer(async () => {
    await database.pool.query(`drop owned by ${name}`);
    await asAdmin(`drop role ${name}`);
  });
  await database.pool.query(`
    grant usage on schema public to ${name};
    grant all on all tables in schema public to ${name};
    grant execute on all functions in schema public to ${name}`);
  const limited = new URL(url);
  limited.username = name;
  limited.password = name;
  return limited;
}

/** Ends the server's connections and takes all of them. @returns a function that frees them */
async function occupy({ name, database }: AttackDatabase, url: URL): Promise<() => Promise<void>> {
  const occupants: pg.Client[] = [];
  while (occupants.length < CONNECTIONS) {
    await database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and application_name = 'regulars'",
      [name],
    );
    const occupant = new pg.Client({ connectionString: url.href, application_name: "occupant" });
    occupant.on("error", () => {});
    await occupant.connect().then(
      () => occupants.push(occupant),
      () => {},
    );
  }
  return async () => {
    await Promise.all(occupants.map((occupant) => occupant.end()));
  };
}

/** Locks a table, and sends more readers of it than the pool has connections. @returns a function that unlocks it */
async function blockReaders(
  { database }: AttackDatabase,
  server: ServerProcess,
  organizationId: string,
): Promise<() => Promise<void>> {
  const holder = await database.pool.connect();
  await holder.query("begin");
  await holder.query("lock table customer_analytics in access exclusive mode");
  const client = new HttpClient();
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const path = `/api/organizations/${organizationId}/customers/anybody`;
  const readers = Array.from({ length: 40 }, () =>
    client.send(server.url, { path, headers }).catch(() => undefined),
  );
  return async () => {
    await holder.query("rollback");
    holder.release();
    await Promise.all(readers);
    client.close();
  };
}
