import { Command } from "commander";
import { systemClock } from "../clock.js";
import type { Database } from "../database/database.js";
import { type SanityStep, sanityCheck } from "../operations/sanity-check.js";
import { print, withDatabase } from "./context.js";
import { jsonOption } from "./options.js";
import { Progress } from "./progress.js";

const HELP = `
Examples:
  regulars sanity-check
  regulars sanity-check --all --json`;

export function sanityCheckCommand(): Command {
  return new Command("sanity-check")
    .description("Check the stored data for contradictions. Changes nothing. Exits 1 when a check fails.")
    .option("--all", "compare every row with its recomputation; by default a sample")
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async ({ all, json }: { all?: boolean; json?: boolean }) => {
      const steps = await withDatabase((database) => checkAndPrint(database, { all: all === true, json }));
      const passed = steps.every((step) => step.passed);
      if (json) print(true, { passed, steps }, []);
      if (!passed) process.exitCode = 1;
    });
}

/** Runs the sanity check and, without `json`, prints each step at its end. */
export async function checkAndPrint(
  database: Database,
  { all, json }: { all: boolean; json: boolean | undefined },
): Promise<SanityStep[]> {
  const steps: SanityStep[] = [];
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= new Progress("rows compared", total);
    progress.update(done);
  };
  for await (const step of sanityCheck(database, systemClock, all, onProgress)) {
    steps.push(step);
    progress?.end();
    if (!json) print(false, step, describe(step));
  }
  return steps;
}

function describe({ name, compared, mismatches, examples, passed }: SanityStep): string[] {
  const verdict = passed
    ? `pass  ${name}: ${compared} compared`
    : `FAIL  ${name}: ${mismatches} of ${compared} differ`;
  return [verdict, ...examples.map((example) => `        ${example}`)];
}
