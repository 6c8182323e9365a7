import { Command } from "commander";
import { systemClock } from "../clock.js";
import { RegularsError } from "../errors.js";
import { type DeliveryTally, deliver } from "../simulator/deliver.js";
import { DEMO_ACCESS_TOKEN, DEMO_NOTIFICATION_URL, DEMO_SIGNATURE_KEY } from "../simulator/demo-constants.js";
import { type FakeSquare, startFakeSquare } from "../simulator/fake-square/server.js";
import { writeHistory } from "../simulator/history-file.js";
import { type Salon, type SalonEvent, type SalonOptions, simulateSalon } from "../simulator/salon.js";
import { signBody } from "../square/signature.js";
import { commandConfig, print } from "./context.js";
import { parseInstantOption, parseRate, wholeNumber } from "./options.js";
import { Progress } from "./progress.js";

const DAY = 86_400_000;
const TWO_YEARS = 730 * DAY;

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
  readonly duplicates: number;
  readonly drops: number;
  readonly shuffle?: true | number;
  readonly url?: string;
  readonly json?: true;
}

/** `regulars simulate`: a simulated salon's seeded history as a file of signed events, or behind a fake of Square's API. */
export function simulateCommand(): Command {
  return new Command("simulate")
    .description(
      "write the seeded history of a simulated salon as a file of webhook events, signed with the environment's key, " +
        "else a demo key; or serve the salon through a fake of Square's API, to try a server or a backfill against",
    )
    .option("--out <file>", "file to write, one JSON object a line; an existing one is replaced")
    .option(
      "--serve-api <port>",
      "serve the salon, as it is at its end, as Square's API on 127.0.0.1 until Ctrl-C (0: any free port), and print " +
        "the environment that a server or a backfill needs to use it",
      wholeNumber(0),
    )
    .option("--seed <number>", "same seed and options, same bytes", wholeNumber(0), 1)
    .option("--customers <number>", "people who become clients", wholeNumber(0), 400)
    .option("--locations <number>", "each in a time zone of its own, at most 5", wholeNumber(1), 2)
    .option("--staff <number>", "team members over all locations (default: 12)", wholeNumber(1))
    .option("--merchant-id <id>", "Square merchant id (default: derived from the seed)")
    .option(
      "--from <date>",
      "first instant, UTC: YYYY-MM-DD or RFC 3339 (default: two years before --to)",
      parseInstantOption,
    )
    .option("--to <date>", "end, exclusive (default: the beginning of today, UTC)", parseInstantOption)
    .option("--duplicates <rate>", "share of the events delivered twice, 0 to 1", parseRate, 0)
    .option("--drops <rate>", "share of the events never delivered, 0 to 1", parseRate, 0)
    .option("--shuffle [events]", "mix the order: within so many events, or all in memory", wholeNumber(1))
    .option("--url <url>", "notification URL (default: the environment's, else the demo's)")
    .option("--json", "print the summary as one JSON object")
    .action(simulate);
}

async function simulate(flags: Flags): Promise<void> {
  const { out, serveApi } = flags;
  if (out === undefined && serveApi === undefined) {
    throw new RegularsError(
      "nothing_to_do",
      "Say what to do with the salon: --out FILE, --serve-api PORT, or both.",
    );
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
    throw new RegularsError("file_unwritable", `cannot write ${out}: ${error.message}`, { cause: error });
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

/** Serves until a signal comes. The salon's token guards nothing: the data is made up. */
async function serveSalon(flags: Flags, port: number, salon: Salon): Promise<void> {
  const square = await startFakeSquare({
    merchants: [{ salon, accessToken: DEMO_ACCESS_TOKEN }],
    port,
  }).catch((cause: Error) => {
    throw new RegularsError("cannot_listen", `Cannot listen on port ${port}: ${cause.message}`, { cause });
  });
  const environment = {
    SQUARE_BASE_URL: square.url,
    SQUARE_MERCHANT_ID: salon.merchantId,
    SQUARE_ACCESS_TOKEN: DEMO_ACCESS_TOKEN,
  };
  print(flags.json, { environment, truth: sizes(salon) }, [
    `Square's API for ${Object.entries(sizes(salon))
      .map(([kind, count]) => `${count} ${kind}`)
      .join(", ")}; Ctrl-C stops it. For \`regulars serve\` or \`regulars backfill\` set:`,
    "",
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    "",
    "and TOKEN_ENCRYPTION_KEY, with which the token is stored: 32 bytes in base64, such as `openssl rand -base64 32`",
    "prints. Keep it: what is stored cannot be read with another.",
  ]);
  await stopped(square);
}

async function stopped(square: FakeSquare): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await square.close();
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

/** Options that contradict each other are the caller's mistake, told without a stack. */
function refusing<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new RegularsError("simulation_invalid", error.message);
    throw error;
  }
}

/** Key and URL of the environment are taken only together, as a server is configured; else the demo's. */
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
