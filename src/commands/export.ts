import { createHash } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { Command } from "commander";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import {
  countExported,
  type ExportPosition,
  type ExportScope,
  exportHeader,
  exportPages,
  findExportedCustomer,
} from "../operations/export.js";
import { ExportFile, type LineCounts } from "../operations/export-file.js";
import { chooseOrganization, note, print, signalOfStop, withDatabase } from "./context.js";
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
The first line is { "type": "export", ... }: of which organization, of which customer, begun when.
Each other line is one object with its "type" and the columns of its table, NULL ones too:

  organization, location, team_member, service_variation
  customer, customer_merge, customer_recovery, customer_alias   profiles, and who was merged into whom
  booking                                                       with its segments, its notes, and Square's object as "raw"
  payment, refund                                               with Square's object as "raw"
  referral_profile, referral_reward
  customer_analytics                                            the row as stored: exact from computed_at to refresh_due_at
  webhook_event                                                 what Square sent is its "payload"

Lines come type by type in the order of their keys, so two exports can be compared. "regulars replay FILE.ndjson" takes the
events of an export in again. Money is minor units, a number or past 2^53 a string. Times are RFC 3339 in UTC.
Each object stands as it is when it is read; a running server is not held up.

With --customer: all of that which is about this customer or an id merged into it, and the stored events that name them or one
of their bookings, payments, refunds or orders. Events older than EVENT_RETENTION_DAYS are not kept.

With --out a run that was cut off within the last day goes on where it stopped. Until it is whole the file is called FILE.part.
The file can be read by its owner only. Exits 1 when the export is not whole, or there is no such customer.

Examples:
  regulars export --out salon.ndjson
  regulars export --customer CUST1 --out request.ndjson
  regulars export | gzip > salon.ndjson.gz
  regulars export --customer CUST1 | jq 'select(.type == "booking") | .start_at'`;

export function exportCommand(): Command {
  return new Command("export")
    .description(
      "Write everything that is held of an organization, or about one customer, as one JSON object a line.",
    )
    .option("--customer <id>", "only what is about this Square customer; a merged id stands for its survivor")
    .option("--organization <id>", "organization id or merchant id, when there are several")
    .option(
      "--out <file>",
      "file to write; an existing one is replaced at the end (default: standard output)",
    )
    .option("--restart", "start over even if an earlier run was cut off")
    .option("--json", "print the summary as one JSON object (on standard error without --out)")
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
      : await findExportedCustomer(database.pool, organizationId, options.customer);
  const scope: ExportScope = { organizationId, customer };
  if (options.out === undefined) await exportTo(database, scope, options, standardOutput(scope));
  else await exportToFile(database, scope, options, options.out);
}

/** Two at once would write into each other's lines. */
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

/** Where lines go. */
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
    const goesOn = options.out === undefined ? "" : " The same command goes on from here.";
    throw new RegularsError("interrupted", `Stopped.${goesOn}`);
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

/** The header is only written with the first lines, so that an unknown customer gives nothing. */
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
      // Waiting for a reader that is slow keeps memory constant.
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
