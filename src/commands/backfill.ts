import { Command } from "commander";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { type BackfillProgress, type BackfillResult, backfill } from "../pull/backfill.js";
import { chooseOrganization, print, signalOfStop, withDatabase } from "./context.js";
import { jsonOption, organizationOption, parseInstantOption } from "./options.js";
import { Progress } from "./progress.js";
import { sweepContext } from "./sweep-context.js";

interface Options {
  readonly organization?: string;
  readonly since?: Date;
  readonly restart?: boolean;
  readonly json?: boolean;
}

const HELP = `
This needs the organization's Square access token: see org add --access-token-stdin, or SQUARE_ACCESS_TOKEN.

Examples:
  regulars backfill
  regulars backfill --organization MLEXAMPLE --since 2025-01-01`;

export function backfillCommand(): Command {
  return new Command("backfill")
    .description(
      "Read a merchant's whole history from Square, then compute each customer's row once. An interrupted run continues " +
        "where it stopped. A second run changes nothing.",
    )
    .addOption(organizationOption())
    .option("--since <time>", "leave out what happened before this time (ISO 8601)", parseInstantOption)
    .option("--restart", "start over, even if an earlier run was interrupted")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (options: Options) => {
      await withDatabase((database, config) => run(database, config, options));
    });
}

async function run(database: Database, config: Config, { organization, json, ...options }: Options) {
  const started = performance.now();
  const signal = signalOfStop();
  const { id } = await chooseOrganization(database, organization);
  // Two runs at once would overwrite each other's positions.
  const result = await database.exclusively(`backfill-${id}`, (lost) => {
    const context = sweepContext(database, config, { signal: AbortSignal.any([signal, lost]) });
    return withProgress(backfill(context, id, options)).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      throw new RegularsError("interrupted", "Stopped. Run the same command again to continue.");
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
    ...errors.map(({ step, message }) => `Error in ${step}: ${message}`),
    ...(unread.length > 0
      ? [`${unread.length} list(s) were not read. Run the same command again: it reads only these.`]
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
