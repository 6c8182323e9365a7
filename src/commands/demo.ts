import { randomBytes } from "node:crypto";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import { systemClock } from "../clock.js";
import { readEnvFile } from "../config/env-file.js";
import { isLoopback } from "../config/host.js";
import { loadConfig, type ServeConfig } from "../config.js";
import { withoutTimeout } from "../database/query.js";
import { Inbox } from "../inbox/inbox.js";
import { silentLog } from "../log.js";
import { addOrganization } from "../organizations/organizations.js";
import { DEMO_MERCHANT_ID, DEMO_NOTIFICATION_URL, DEMO_SIGNATURE_KEY } from "../simulator/demo-constants.js";
import { postEvent } from "../simulator/post-event.js";
import { type Salon, type SalonEvent, simulateSalon } from "../simulator/salon.js";
import { signBody } from "../square/signature.js";
import { changedRows, describeChange } from "./changed-rows.js";
import { print } from "./context.js";
import { jsonLinesOption, parseCount } from "./options.js";
import { Progress } from "./progress.js";
import { type RunningServer, startServer, stopOnSignal } from "./serve.js";
import { receiveAll, storeLocations, storeServices } from "./store-salon.js";

interface Options {
  readonly seed: string;
  readonly customers: number;
  readonly events: number;
  readonly pace: number;
  readonly exit?: boolean;
  readonly json?: boolean;
}

/** Tells what happened: an object with --json, otherwise lines. Without an object the lines are for people alone. */
type Say = (value: object | undefined, ...lines: readonly string[]) => void;

const YEAR_MS = 365 * 24 * 3600 * 1000;
/** How many events of the history are stored at once. */
const AT_ONCE = 512;
/** The time between two events of the running salon. */
const HUMAN_PACE_MS = 6_000;

const HELP = `
Examples:
  regulars demo
  regulars demo --customers 100 --events 5 --pace 1 --exit
  regulars demo --exit --json | jq 'select(.type == "event") | .rows'`;

export function demoCommand(): Command {
  return new Command("demo")
    .description(
      "Run the server with a simulated salon on its own embedded database. Send the salon's latest events as signed " +
        "webhooks over HTTP, and show what each one changed.",
    )
    .option("--seed <text>", "each seed gives another salon", "1")
    .option("--customers <number>", "how many customers", parseCount, 400)
    .option("--events <number>", "how many of the latest events to send as webhooks", parseCount, 60)
    .option("--pace <milliseconds>", "time between two webhooks", parseCount, 400)
    .option("--exit", "stop after the last webhook; by default the server keeps running")
    .addOption(jsonLinesOption())
    .addHelpText("after", HELP)
    .action(demo);
}

async function demo(options: Options): Promise<void> {
  const say: Say = (value, ...lines) => {
    if (value || !options.json) print(options.json, value, lines);
  };
  readEnvFile();
  const config = demoConfig(process.env);
  const server = await startServer(config);
  stopOnSignal(server);
  const organizationId = await emptyOrganization(server);
  const page = `${server.address}/#key=${config.adminApiKey}`;
  const data_dir = config.database.dataDir;
  say({ type: "ready", page, data_dir, organization_id: organizationId }, `Open ${page} and watch.`, "");

  const end = systemClock();
  const salon = simulateSalon({
    seed: options.seed,
    start: new Date(end.getTime() - 2 * YEAR_MS),
    end,
    customers: options.customers,
    merchantId: DEMO_MERCHANT_ID,
  });
  await storeLocations(server.database, organizationId, salon);
  await storeServices(server.database, organizationId, salon);
  const latest = await loadHistory(server, salon, options.events, say);
  await compareRows(server, say);
  const since = latest[0]?.at ?? end;
  const hours = Math.max(1, Math.round((systemClock().getTime() - since.getTime()) / 3_600_000));
  say(
    undefined,
    `Now its last ${hours} hours as ${latest.length} signed webhooks to ${server.address}/webhooks/square:`,
    "",
  );
  const send = (events: readonly SalonEvent[]) =>
    sendEvents(server, config, organizationId, events, options.pace, say);
  await send(latest);

  if (options.exit) {
    await server.stop();
    return;
  }
  say(
    undefined,
    "",
    `The salon goes on at ${page}, one event every few seconds; Ctrl-C stops it. Meanwhile, from another terminal:`,
    `  DATA_DIR=${data_dir} npm run regulars -- sanity-check --all`,
    `  curl -H 'Authorization: Bearer ${config.adminApiKey}' \\`,
    `    ${server.address}/api/organizations/${organizationId}/customers/${await bestCustomer(server, organizationId)}`,
    "",
  );
  for (;;) {
    await wait(HUMAN_PACE_MS);
    await send(salon.happening(systemClock()));
  }
}

/**
 * The demo has its own folder and keys. From the environment it takes only the address, the log level and DATA_DIR.
 */
export function demoConfig({ DATA_DIR, HOST, PORT, LOG_LEVEL }: NodeJS.ProcessEnv): ServeConfig {
  return loadConfig(
    {
      HOST,
      PORT,
      LOG_LEVEL: LOG_LEVEL || "warn",
      DATA_DIR: path.join(DATA_DIR || "./.regulars", "demo"),
      // The demo prints this key, so it must not be the operator's key.
      ADMIN_API_KEY: !HOST || isLoopback(HOST) ? "demo" : randomBytes(32).toString("hex"),
      SQUARE_WEBHOOK_SIGNATURE_KEY: DEMO_SIGNATURE_KEY,
      SQUARE_WEBHOOK_NOTIFICATION_URL: DEMO_NOTIFICATION_URL,
    },
    { require: "serve" },
  );
}

/**
 * Empties the database and adds the salon's organization. The simulated history ends now, so each run starts over.
 */
async function emptyOrganization({ database }: RunningServer): Promise<string> {
  const { rows } = await database.pool.query<{ tables: string | null }>(
    `select string_agg(quote_ident(table_name), ', ') as tables from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> '_prisma_migrations'`,
  );
  await database.pool.query(`truncate ${rows[0]?.tables}`);
  const organization = { merchantId: DEMO_MERCHANT_ID, name: "Simulated Salon" };
  return (await addOrganization(database, organization, systemClock())).id;
}

/** Stores all events except the latest `keep`, many at once. @returns the latest events */
async function loadHistory(
  { database, feed }: RunningServer,
  salon: Salon,
  keep: number,
  say: Say,
): Promise<SalonEvent[]> {
  const started = performance.now();
  say(undefined, "Storing two years of a simulated salon's history ...");
  const inbox = new Inbox({
    database,
    clock: systemClock,
    log: silentLog,
    maxBatch: AT_ONCE,
  });
  inbox.onChanges((changes) => feed.publish(changes));
  const progress = new Progress("events of the salon's history");
  const pending: SalonEvent[] = [];
  let loaded = 0;
  for (const event of salon.events()) {
    pending.push(event);
    if (pending.length < keep + AT_ONCE) continue;
    await receiveAll(inbox, pending.splice(0, AT_ONCE));
    loaded += AT_ONCE;
    progress.update(loaded);
  }
  const rest = pending.splice(0, Math.max(pending.length - keep, 0));
  await receiveAll(inbox, rest);
  progress.end();
  const { locations, teamMembers, truth } = salon;
  const staff = teamMembers.filter(({ status }) => status === "ACTIVE").length;
  const counts = {
    locations: locations.length,
    staff,
    customers: truth.customers.size,
    bookings: truth.bookings.size,
    payments: truth.payments.size,
  };
  const events = loaded + rest.length;
  const ms = Math.round(performance.now() - started);
  say(
    { type: "history", ...counts, events, ms },
    `${Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ")}.`,
    `${events} events stored in ${(ms / 1000).toFixed(1)} s.`,
  );
  return pending;
}

/** A first sweep, so that the page can say what was compared. */
async function compareRows({ sweeps }: RunningServer, say: Say): Promise<void> {
  const report = await sweeps.run("recent");
  if (!("checked" in report)) return;
  const { checked, drifted } = report;
  say(
    { type: "compared", checked, drifted },
    `${checked} rows compared with their recomputation, ${drifted} differed.`,
  );
}

/** Sends each event as Square does, and shows which rows changed. */
async function sendEvents(
  server: RunningServer,
  { webhook }: ServeConfig,
  organizationId: string,
  events: readonly SalonEvent[],
  pace: number,
  say: Say,
): Promise<void> {
  const url = `${server.address}/webhooks/square`;
  let rows = await analyticsRows(server, organizationId);
  for (const { event } of events) {
    const body = JSON.stringify(event);
    const signature = signBody(webhook.signatureKeys[0] as string, webhook.notificationUrl, body);
    const started = performance.now();
    const answer = await postEvent(url, body, signature);
    const ms = performance.now() - started;
    const status = (JSON.parse(answer.body) as { status?: string }).status ?? `HTTP ${answer.status}`;
    const now = await analyticsRows(server, organizationId);
    const changed = changedRows(rows, now);
    const lines = changed.map(describeChange);
    say(
      {
        type: "event",
        event_type: event.type,
        event_id: event.event_id,
        status,
        ms,
        rows: changed.map(({ customer_id, change, columns }) => ({ customer_id, change, columns })),
      },
      `${event.type.padEnd(24)} ${status.padEnd(9)} ${ms.toFixed(1).padStart(6)} ms`,
      ...(lines.length > 0 ? lines : ["    no row changes"]),
    );
    rows = now;
    await wait(pace);
  }
}

const rowsStatement = "select * from customer_analytics where organization_id = $1";

async function analyticsRows(
  { database }: RunningServer,
  organizationId: string,
): Promise<Map<string, ApiRow>> {
  // On a busy machine the demo waits. It does not end.
  const { rows } = await database.pool.query<Record<string, unknown>>(
    withoutTimeout(rowsStatement, [organizationId]),
  );
  return new Map(rows.map((row) => [row.square_customer_id as string, toApiRow(row)]));
}

async function bestCustomer({ database }: RunningServer, organizationId: string): Promise<string> {
  const best = await database.prisma.customerAnalytics.findFirst({
    where: { organizationId },
    orderBy: { totalRevenueCents: "desc" },
    select: { squareCustomerId: true },
  });
  return best?.squareCustomerId ?? "ID";
}
