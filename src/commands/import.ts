import { readFile } from "node:fs/promises";
import { Command } from "commander";
import type { Referrals } from "../analytics/referrals.js";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { type ImportCounts, importReferrals } from "../operations/import-referrals.js";
import { readReferralFile } from "../operations/referral-file.js";
import { chooseOrganization, note, print, signalOfStop, withDatabase } from "./context.js";
import { jsonOption, organizationOption } from "./options.js";
import { Progress } from "./progress.js";

interface Options {
  readonly organization?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const HELP = `
FILE is a CSV in UTF-8 with a header and one line for each referral. The header says what the lines are:

  profiles  square_customer_id,referral_code,used_referral_code,activated_as_referrer,activated_at
  rewards   reward_id,referrer_customer_id,referred_customer_id,status,reward_cents

The columns may stand in any order. Profiles need only square_customer_id. activated_as_referrer is true or false, and
activated_at a time such as 2026-03-02T18:00:00Z. status is PAID, PENDING or VOID. reward_cents is minor units. A line
replaces the whole profile or reward: what is empty or left out is cleared.

All lines are checked first. If one is wrong, each wrong line is named with its reason, and nothing is stored.
The lines are stored a hundred at a time, each hundred with its customers' rows. The same command again changes nothing that
is stored already, so it also continues a run that was cut off. Exits 1 when a line is wrong, or not all lines were stored.

Examples:
  regulars import referrals profiles.csv --dry-run
  regulars import referrals rewards.csv
  cut -d, -f1-5 rewards.csv | regulars import referrals -`;

export function importCommand(): Command {
  const referrals = new Command("referrals")
    .summary("referral profiles or rewards from a CSV")
    .description("Store referral profiles or rewards from a CSV, and recompute their customers.")
    .argument("<file>", "the CSV; - reads standard input")
    .addOption(organizationOption())
    .option("--dry-run", "check the file and tell what it would change, and change nothing")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (file: string, options: Options) => {
      const read = readReferralFile(await bytesOf(file));
      const { referrals, badLines } = read;
      if (referrals && badLines.length === 0) {
        await withDatabase((database) => run(database, referrals, options));
        return;
      }
      process.exitCode = 1;
      const reasons = badLines.map(({ line, reason }) => `Line ${line}: ${reason}.`);
      const last = `${badLines.length} wrong line(s): nothing was stored.`;
      if (options.json) print(true, { stored: false, bad_lines: badLines }, last);
      else note(...reasons, last);
    });
  return new Command("import")
    .description("Store what Square does not know.")
    .addHelpText("after", HELP)
    .addCommand(referrals);
}

async function bytesOf(file: string): Promise<Buffer> {
  if (file !== "-") {
    return readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw new RegularsError("file_unreadable", `${file} cannot be read: ${error.code}.`);
    });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function run(database: Database, referrals: Referrals, { organization, dryRun, json }: Options) {
  const started = performance.now();
  const { id } = await chooseOrganization(database, organization);
  const signal = signalOfStop();
  const { kind, rows } = referrals;
  const progress = new Progress(kind, rows.length);
  let counts: ImportCounts = { done: 0, created: 0, changed: 0, unchanged: 0, customers: 0 };
  try {
    for await (counts of importReferrals(database.pool, id, referrals, systemClock, dryRun === true)) {
      progress.update(counts.done);
      if (signal.aborted) break;
    }
  } finally {
    progress.end();
  }
  if (counts.done < rows.length) {
    const text = `Stopped after ${counts.done} of ${rows.length} ${kind}. The same command stores the rest.`;
    throw new RegularsError("interrupted", text);
  }
  const { created, changed, unchanged, customers } = counts;
  const ms = Math.round(performance.now() - started);
  const summary = { organization_id: id, kind, lines: rows.length, created, changed, unchanged, customers };
  print(
    json,
    { stored: dryRun !== true, ...summary, ms },
    `${rows.length} ${kind}: ${created} new, ${changed} changed, ${unchanged} as before; ` +
      `${customers} customers' rows ${dryRun ? "would change. Nothing was stored" : "changed"}.`,
  );
}
