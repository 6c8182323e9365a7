import { Command } from "commander";
import { systemClock } from "../clock.js";
import { type SanityStep, sanityCheck } from "../operations/sanity-check.js";
import { print, withDatabase } from "./context.js";

export function sanityCheckCommand(): Command {
  return new Command("sanity-check")
    .description("Check the stored data for contradictions. Changes nothing. Exits 1 when a check fails.")
    .option("--all", "compare every row with its recomputation; by default a sample")
    .option("--json", "print one JSON object")
    .action(async ({ all, json }: { all?: boolean; json?: boolean }) => {
      const steps: SanityStep[] = [];
      await withDatabase(async (database) => {
        for await (const step of sanityCheck(database, systemClock, all === true)) {
          steps.push(step);
          if (!json) print(false, step, describe(step));
        }
      });
      const passed = steps.every((step) => step.passed);
      if (json) print(true, { passed, steps }, []);
      if (!passed) process.exitCode = 1;
    });
}

function describe({ name, compared, mismatches, examples, passed }: SanityStep): string[] {
  const verdict = passed
    ? `pass  ${name}: ${compared} compared`
    : `FAIL  ${name}: ${mismatches} of ${compared} differ`;
  return [verdict, ...examples.map((example) => `        ${example}`)];
}
