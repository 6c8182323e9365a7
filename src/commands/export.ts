import { createHash } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { Command } from "commander";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { idsOfCustomer } from "../inbox/customer-ids.js";
import {
  countExported,
  type ExportPosition,
  type ExportScope,
  exportHeader,
  exportPages,
} from "../operations/export.js";
import { ExportFile, type LineCounts } from "../operations/export-file.js";
import { chooseOrganization, note, print, signalOfStop, withDatabase } from "./context.js";
import { jsonOption, organizationOption } from "./options.js";
import { printable } from "./printable.js";
import { Progress } from "./progress.js";

interface Options {
  readonly customer?: string;
  readonly organization?: string;
  readonly out?: string;
  readonly restart?: boolean;
  readonly json?: boolean;
}

const HELP = `
The first line is { "type": "export", ... }. It names the organization, the customer, and when the export began.
Each other line is one object: its "type" and all columns of its table.

  organization, location, team_member, service_variation
  customer, customer_merge, customer_recovery, customer_alias   profiles, and who was merged into whom
  customer_erasure                                              whose personal data is erased
  booking                                                       with its segments, its notes, and Square's object as "raw"
  payment, refund                                               with Square's object as "raw"
  referral_profile, referral_reward
  customer_analytics                                            the row as stored: exact from computed_at to refresh_due_at
  webhook_event                                                 what Square sent is its "payload"

Lines are ordered by type and key, so two exports can be compared. "regulars replay FILE.ndjson" processes the events
of an export again. Money is in minor units: a number, or a string beyond 2^53. Times are RFC 3339 in UTC. Each object
is exported as it is when it is read. A running server is not blocked.

With --customer the export holds what is about this customer and the ids merged into it. It also holds the stored events
that name them or one of their bookings, payments, refunds or orders. Events older than EVENT_RETENTION_DAYS are deleted.

With --out, a run that was interrupted within the last day continues where it stopped. An unfinished file is called
FILE.part. Only its owner can read the file. The answer is a summary; without --out it is on standard error. Exits 1 when the export is incomplete or the customer does not exist.

Examples:
  regulars export --out salon.ndjson
  regulars export --customer CUST1 --out request.ndjson
  regulars export | gzip > salon.ndjson.gz
  regulars export --customer CUST1 | jq 'select(.type == "booking") | .start_at'`;

export function exportCommand(): Command {
  return new Command("export")
    .description(
      "Write all stored data of an organization, or about one customer, with one JSON object on each line.",
    )
    .option("--customer <id>", "only data about this Square customer; a merged id means its survivor")
    .addOption(organizationOption())
    .option(
      "--out <file>",
      "the file to write; an existing file is replaced at the end (default: standard output)",
    )
    .option("--restart", "start over, even if an earlier run was interrupted")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      await withDatabase((database) => run(database, options));
    });
}

async function run(database: Database, options: Options): Promise<void> {
  const { id: organizationId } = await chooseOrganization(database, options.organization);
  const customer =
    options.customer === undefined
      ? null
      : await idsOfCustomer(database.pool, organizationId, options.customer);
  const scope: ExportScope = { organizationId, customer };
  if (options.out === undefined) await exportTo(database, scope, options, standardOutput(scope));
  else await exportToFile(database, scope, options, options.out);
}

/** Takes a lock, because two exports into one file would mix their lines. */
async function exportToFile(database: Database, scope: ExportScope, options: Options, out: string) {
  const name = createHash("sha256").update(path.resolve(out)).digest("hex").slice(0, 16);
  const done = await database.exclusively(`export-${name}`, async () => {
    const file = await ExportFile.open(out, exportHeader(scope, systemClock()), options.restart === true);
    try {
      await exportTo(database, scope, options, file);
    } finally {
      await file.close();
    }
    return true;
  });
  if (!done) throw new RegularsError("already_running", `Another export to ${out} is running.`);
}

/** Where the lines are written. */
interface Destination {
  readonly counts: LineCounts;
  readonly after: ExportPosition | undefined;
  readonly resumed: boolean;
  write(lines: readonly string[]): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
}

async function exportTo(database: Database, scope: ExportScope, options: Options, to: Destination) {
  const started = performance.now();
  const signal = signalOfStop();
  const counts = { ...to.counts };
  const sum = () => Object.values(counts).reduce((all, count) => all + count, 0);
  const earlier = sum();
  const progress = new Progress(
    "objects",
    process.stderr.isTTY ? await countExported(database.pool, scope) : 0,
  );
  let read = earlier;
  for await (const page of exportPages(database.pool, scope, to.after)) {
    if (page.lines.length > 0) await to.write(page.lines);
    counts[page.type] = (counts[page.type] ?? 0) + page.lines.length;
    read += page.read;
    progress.update(read);
    if (!signal.aborted) continue;
    progress.end();
    const advice = options.out === undefined ? "" : " Run the same command again to continue.";
    throw new RegularsError("interrupted", `Stopped.${advice}`);
  }
  progress.end();
  if (scope.customer && sum() === 0) {
    await to.discard();
    throw new RegularsError("customer_not_found", "This organization has no such customer.");
  }
  await to.finish();
  summarize(options, scope, {
    counts,
    lines: sum(),
    resumed: to.resumed,
    ms: Math.round(performance.now() - started),
  });
}

interface Summary {
  readonly counts: LineCounts;
  readonly lines: number;
  readonly resumed: boolean;
  readonly ms: number;
}

function summarize(
  { out, json }: Options,
  scope: ExportScope,
  { counts, lines, resumed, ms }: Summary,
): void {
  const objects = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  const { organizationId: organization_id, customer } = scope;
  const summary = {
    organization_id,
    customer_id: customer?.id ?? null,
    out: out ?? null,
    objects,
    resumed,
    ms,
  };
  const told = Object.entries(objects).map(([type, count]) => `${count} ${type}`);
  const text =
    `${lines} objects${out === undefined ? "" : ` in ${out}`}${resumed ? " (continued from an earlier run)" : ""}: ` +
    `${told.join(", ")}.`;
  if (out !== undefined) print(json, summary, text);
  else note(json ? JSON.stringify(summary) : text);
}

/** Writes the header with the first lines, so that an unknown customer produces no output. */
function standardOutput(scope: ExportScope): Destination {
  const stream = process.stdout;
  let broken: Error | undefined;
  stream.on("error", (error) => {
    broken = error;
  });
  let header: string[] = [JSON.stringify(exportHeader(scope, systemClock()))];
  return {
    counts: {},
    after: undefined,
    resumed: false,
    async write(lines) {
      const text = [...header, ...lines].map((line) => (stream.isTTY ? printable(line) : line)).join("\n");
      header = [];
      // Waiting for a slow reader keeps memory constant.
      if (!stream.write(`${text}\n`) && !broken) {
        await Promise.race([once(stream, "drain"), once(stream, "close"), once(stream, "error")]).catch(
          () => {},
        );
      }
      if (broken)
        throw new RegularsError("output_closed", `Standard output cannot be written: ${broken.message}`);
    },
    finish: async () => {},
    discard: async () => {},
  };
}
