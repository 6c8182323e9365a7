import { Command } from "commander";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { type BackfillProgress, type BackfillResult, backfill } from "../pull/backfill.js";
import { chooseOrganization, print, signalOfStop, withDatabase } from "./context.js";
import { parseInstantOption } from "./options.js";
import { Progress } from "./progress.js";
import { sweepContext } from "./sweep-context.js";

interface Options {
  readonly organization?: string;
  readonly since?: Date;
  readonly restart?: boolean;
  readonly json?: boolean;
}

export function backfillCommand(): Command {
  return new Command("backfill")
    .description(
      "Read everything a merchant has at Square, and compute every customer once. A run that was cut off goes on " +
        "where it stopped; a second run changes nothing.",
    )
    .option("--organization <id>", "which one, by id or merchant id; needed when there are several")
    .option("--since <time>", "leave out what happened before (ISO 8601)", parseInstantOption)
    .option("--restart", "start over even if an earlier run was cut off")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nNeeds the organization's Square access token: see org add --access-token-stdin, or SQUARE_ACCESS_TOKEN.",
    )
    .action(async (options: Options) => {
      await withDatabase((database, config) => run(database, config, options));
    });
}

async function run(database: Database, config: Config, { organization, json, ...options }: Options) {
  const started = performance.now();
  const signal = signalOfStop();
  const { id } = await chooseOrganization(database, organization);
  // Two at once would take each other's windows for their own.
  const result = await database.exclusively(`backfill-${id}`, (lost) => {
    const context = sweepContext(database, config, { signal: AbortSignal.any([signal, lost]) });
    return withProgress(backfill(context, id, options)).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      throw new RegularsError("interrupted", "Stopped. The same command goes on from here.");
    });
  });
  if (!result) {
    throw new RegularsError("already_running", "Another backfill of this organization is running.");
  }
  const { pulled, errors, unread, recomputed, resumed } = result;
  const ms = Math.round(performance.now() - started);
  const counts = Object.entries(pulled).map(([name, count]) => `${count} ${name.replaceAll("_", " ")}`);
  print(json, { organization_id: id, pulled, recomputed, errors, unread, resumed, ms }, [
    `Read from Square${resumed ? " (continued from an earlier run)" : ""}: ${counts.join(", ")}.`,
    `${recomputed.checked} customers recomputed, ${recomputed.written} rows written, ${recomputed.deleted} deleted.`,
    ...errors.map(({ step, message }) => `Not done, ${step}: ${message}`),
    ...(unread.length > 0
      ? [
          `${unread.length} list(s) were not read. The same command reads these, and nothing that was read already.`,
        ]
      : []),
    `Done in ${(ms / 1000).toFixed(1)} s.`,
  ]);
  if (errors.length > 0) process.exitCode = 1;
}

const PHASES: Readonly<Record<BackfillProgress["phase"], string>> = {
  reading: "windows read",
  recomputing: "customers recomputed",
  "checking profiles": "profile checks",
};

async function withProgress(
  steps: AsyncGenerator<BackfillProgress, BackfillResult>,
): Promise<BackfillResult> {
  let shown: { phase: BackfillProgress["phase"]; progress: Progress } | undefined;
  for (;;) {
    const { value, done } = await steps.next();
    if (done) {
      shown?.progress.end();
      return value;
    }
    if (shown?.phase !== value.phase) {
      shown?.progress.end();
      shown = { phase: value.phase, progress: new Progress(PHASES[value.phase], value.total) };
    }
    const note = value.phase === "reading" ? `, ${value.objects} objects` : "";
    shown.progress.update(value.done, note);
  }
}
