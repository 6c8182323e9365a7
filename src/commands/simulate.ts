import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { systemClock } from "../clock.js";
import { RegularsError } from "../errors.js";
import { type DeliveryTally, deliver } from "../simulator/deliver.js";
import {
  DEMO_ACCESS_TOKEN,
  DEMO_APPLICATION,
  DEMO_NOTIFICATION_URL,
  DEMO_SIGNATURE_KEY,
} from "../simulator/demo-constants.js";
import { type FakeSquare, startFakeSquare } from "../simulator/fake-square/server.js";
import { writeHistory } from "../simulator/history-file.js";
import { type Salon, type SalonEvent, type SalonOptions, simulateSalon } from "../simulator/salon.js";
import { signBody } from "../square/signature.js";
import { commandConfig, print } from "./context.js";
import { jsonOption, parseInstantOption, parseRate, wholeNumber } from "./options.js";
import { Progress } from "./progress.js";
import { onStopSignal } from "./stop-signal.js";

const DAY = 86_400_000;
const TWO_YEARS = 730 * DAY;
/** Seconds between two activities of a live salon. */
const PACE_S = 6;

interface Flags {
  readonly seed: number;
  readonly customers: number;
  readonly locations: number;
  readonly staff?: number;
  readonly merchantId?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly out?: string;
  readonly serveApi?: number;
  readonly live?: true | number;
  readonly duplicates: number;
  readonly drops: number;
  readonly shuffle?: true | number;
  readonly url?: string;
  readonly json?: true;
}

/**
 * `regulars simulate` writes a simulated salon's history to a file of signed events, or serves it as Square's API.
 */
const HELP = `
Examples:
  regulars simulate --out salon.ndjson --seed 7 --customers 100
  regulars simulate --serve-api 4100
  regulars simulate --serve-api 4100 --live --url https://regulars.example/webhooks/square`;

export function simulateCommand(): Command {
  return new Command("simulate")
    .description(
      "Write the history of a simulated salon to a file of signed webhook events. The key is SQUARE_WEBHOOK_SIGNATURE_KEY " +
        "or a demo key. Or serve the salon as Square's API, to try a server, connect, subscribe or a backfill with it.",
    )
    .option(
      "--out <file>",
      "the file to write, one JSON object on each line; an existing file is replaced (required without --serve-api)",
    )
    .option(
      "--serve-api <port>",
      "serve the salon as Square's API on 127.0.0.1 until Ctrl-C (0: any free port), and print the environment " +
        "variables that a server or a backfill needs to use it (required without --out)",
      wholeNumber(0),
    )
    .option(
      "--live [seconds]",
      "with --serve-api: the salon goes on, with something new every so many seconds (default: 6), and its events go to " +
        "the webhook subscriptions of the application that it is connected to",
      wholeNumber(1),
    )
    .option("--seed <number>", "the same seed and options give the same bytes", wholeNumber(0), 1)
    .option("--customers <number>", "people who become clients", wholeNumber(0), 400)
    .option("--locations <number>", "at most 5, each in another time zone", wholeNumber(1), 2)
    .option("--staff <number>", "team members at all locations together (default: 12)", wholeNumber(1))
    .option("--merchant-id <id>", "Square merchant id (default: derived from the seed)")
    .option(
      "--from <date>",
      "first instant, UTC: YYYY-MM-DD or RFC 3339 (default: two years before --to)",
      parseInstantOption,
    )
    .option("--to <date>", "end, exclusive (default: the beginning of today, UTC)", parseInstantOption)
    .option("--duplicates <rate>", "share of events that are delivered twice, 0 to 1", parseRate, 0)
    .option("--drops <rate>", "share of events that are never delivered, 0 to 1", parseRate, 0)
    .option(
      "--shuffle [events]",
      "mix the order within this many events; without a number mix all, in memory",
      wholeNumber(1),
    )
    .option(
      "--url <url>",
      "notification URL (default: SQUARE_WEBHOOK_NOTIFICATION_URL, or the demo's); with --serve-api sellers return to " +
        "its host from connecting",
    )
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(simulate);
}

async function simulate(flags: Flags): Promise<void> {
  const { out, serveApi } = flags;
  if (out === undefined && serveApi === undefined) {
    throw new RegularsError("nothing_to_do", "Give --out FILE, --serve-api PORT, or both.");
  }
  if (flags.live !== undefined && serveApi === undefined) {
    throw new RegularsError("options_conflict", "--live needs --serve-api PORT.");
  }
  const options = salonOptions(flags);
  const salon = refusing(() => simulateSalon(options));
  if (out !== undefined) await writeFile(flags, out, salon, options);
  else for (const _ of withProgress(salon.events(), options));
  if (serveApi !== undefined) await serveSalon(flags, serveApi, salon);
}

async function writeFile(flags: Flags, out: string, salon: Salon, options: SalonOptions): Promise<void> {
  const { key, url } = signing(flags);
  const { deliveries, tally } = deliver(withProgress(salon.events(), options), {
    seed: flags.seed,
    sign: (body) => signBody(key, url, body),
    duplicates: flags.duplicates,
    drops: flags.drops,
    shuffle: flags.shuffle === true ? "full" : (flags.shuffle ?? "none"),
  });
  const bytes = await writeHistory(out, deliveries).catch((error: Error) => {
    if (!("syscall" in error)) throw error;
    throw new RegularsError("file_unwritable", `Cannot write ${out}: ${error.message}`, { cause: error });
  });
  const summary = {
    out,
    bytes,
    merchant_id: salon.merchantId,
    notification_url: url,
    events: tally.sent - tally.duplicated + tally.dropped,
    delivered: tally.sent,
    dropped: tally.dropped,
    doubled: tally.duplicated,
    delivered_by_type: tally.byType,
    truth: sizes(salon),
  };
  print(flags.json, summary, [
    ...typeLines(tally),
    `${tally.sent} deliveries (${tally.dropped} events dropped, ${tally.duplicated} doubled) of merchant ` +
      `${salon.merchantId} in ${out}, ${(bytes / 1e6).toFixed(1)} MB`,
  ]);
}

function sizes({ truth: { bookings, payments, refunds, customers } }: Salon): Record<string, number> {
  return {
    bookings: bookings.size,
    payments: payments.size,
    refunds: refunds.size,
    customers: customers.size,
  };
}

/** Serves until a signal comes. The tokens are not secret, because the data is made up. */
async function serveSalon(flags: Flags, port: number, salon: Salon): Promise<void> {
  const { url } = signing(flags);
  const redirectUrl = new URL("/connect/square/callback", url).href;
  const square = await startFakeSquare({
    merchants: [{ salon, accessToken: DEMO_ACCESS_TOKEN }],
    applications: [{ ...DEMO_APPLICATION, redirectUrl }],
    port,
  }).catch((cause: Error) => {
    throw new RegularsError("cannot_listen", `Cannot listen on port ${port}: ${cause.message}`, { cause });
  });
  const api = { SQUARE_BASE_URL: square.url };
  const seller = { SQUARE_MERCHANT_ID: salon.merchantId, SQUARE_ACCESS_TOKEN: DEMO_ACCESS_TOKEN };
  const application = {
    SQUARE_APPLICATION_ID: DEMO_APPLICATION.id,
    SQUARE_APPLICATION_SECRET: DEMO_APPLICATION.secret,
    SQUARE_APPLICATION_ACCESS_TOKEN: DEMO_APPLICATION.accessToken,
    SQUARE_WEBHOOK_NOTIFICATION_URL: url,
  };
  print(flags.json, { environment: { ...api, ...seller }, application, truth: sizes(salon) }, [
    `Square's API for ${Object.entries(sizes(salon))
      .map(([kind, count]) => `${count} ${kind}`)
      .join(", ")}; Ctrl-C stops it. For \`regulars serve\`, \`subscribe\` and \`backfill\` set:`,
    "",
    ...assignments(api),
    "",
    "and, for a seller who connects by OAuth and for the webhook subscription:",
    "",
    ...assignments(application),
    "",
    "or, for a seller with a token of its own:",
    "",
    ...assignments(seller),
    "",
    "Set TOKEN_ENCRYPTION_KEY too. It encrypts the stored token. `openssl rand -base64 32` prints a key. Keep it: no",
    "other key can decrypt the token.",
  ]);
  const stopping = new AbortController();
  const { live } = flags;
  const alive =
    live === undefined ? undefined : goOn(square, salon, live === true ? PACE_S : live, stopping.signal);
  await stopped();
  stopping.abort();
  await alive;
  await square.close();
}

function assignments(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

/** Lets the salon go on, and sends its events, until the signal. */
async function goOn(square: FakeSquare, salon: Salon, seconds: number, signal: AbortSignal): Promise<void> {
  while (await sleep(seconds * 1_000, true, { signal }).catch(() => false)) {
    await square.deliver(salon.happening(systemClock()));
  }
}

async function stopped(): Promise<void> {
  await new Promise<void>((resolve) => onStopSignal(() => resolve()));
}

function salonOptions(flags: Flags): SalonOptions {
  const end = flags.to ?? new Date(Math.floor(systemClock().getTime() / DAY) * DAY);
  return {
    seed: flags.seed,
    start: flags.from ?? new Date(end.getTime() - TWO_YEARS),
    end,
    customers: flags.customers,
    locations: flags.locations,
    ...(flags.staff !== undefined && { staff: flags.staff }),
    ...(flags.merchantId !== undefined && { merchantId: flags.merchantId }),
  };
}

/** Turns the error for contradicting options into one that is shown without a stack. */
function refusing<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new RegularsError("simulation_invalid", error.message);
    throw error;
  }
}

/** The environment's key and URL, if both are set. Otherwise the demo's. */
function signing(flags: Flags): { key: string; url: string } {
  const { webhook } = commandConfig();
  return {
    key: webhook?.signatureKeys[0] ?? DEMO_SIGNATURE_KEY,
    url: flags.url ?? webhook?.notificationUrl ?? DEMO_NOTIFICATION_URL,
  };
}

function typeLines({ byType }: DeliveryTally): string[] {
  return Object.entries(byType)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, count]) => `${String(count).padStart(9)}  ${type}`);
}

function* withProgress(
  events: Iterable<SalonEvent>,
  { start, end }: SalonOptions,
): Generator<SalonEvent, void, undefined> {
  const days = (instant: Date): number => Math.ceil((instant.getTime() - start.getTime()) / DAY);
  const progress = new Progress("simulated days", days(end));
  for (const item of events) {
    progress.update(days(item.at));
    yield item;
  }
  progress.end();
}
