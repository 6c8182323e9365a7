import { randomInt } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { attacks } from "./attacks.js";
import type { Attack } from "./runner/attack.js";
import { Databases } from "./runner/databases.js";
import { runAll } from "./runner/run.js";
import { summarize, summaryLines } from "./runner/summary.js";

interface Options {
  readonly minutes: number;
  readonly seed: string;
  readonly only?: readonly Attack[];
  readonly json?: true;
}

/**
 * The long forms of the attacks in docs/reliability.md. They run on a real Postgres (TEST_DATABASE_URL, or the local
 * one), in databases that the run makes and drops. The short forms are tests.
 */
export const program = new Command("torture")
  .description(
    "Attacks the server and its database, and counts what was lost or wrong. Exits with 1 if anything was.",
  )
  .option("--minutes <number>", "the time of all attacks together", parseMinutes, 10)
  .option("--seed <text>", "repeats an earlier run's random choices", String(randomInt(1e9)))
  .option("--only <names>", "only these attacks, separated by commas", parseNames)
  .option("--json", "print the summary as one JSON value")
  .addHelpText(
    "after",
    `\nAttacks:\n${attacks.map(({ name, describe }) => `  ${name}\n      ${describe}`).join("\n")}`,
  )
  .action(run);

async function run({ minutes, seed, only = attacks, json }: Options): Promise<void> {
  const interrupted = new AbortController();
  process.on("SIGINT", () => {
    // A second Ctrl-C ends the run at once. A later run drops its databases.
    if (interrupted.signal.aborted) process.exit(130);
    process.stderr.write("\nstopping after this round and its comparison\n");
    interrupted.abort();
  });
  const log = (line: string) => process.stderr.write(`${line}\n`);
  log(`seed ${seed}, ${minutes} minutes, ${only.length} attacks`);
  const databases = new Databases();
  const results = await runAll(only, { minutes, seed, databases, log, interrupted: interrupted.signal });
  await databases.remove();
  const summary = summarize(seed, results, interrupted.signal.aborted);
  process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `${summaryLines(summary).join("\n")}\n`);
  process.exit(summary.holds ? 0 : 1);
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError("Give a number of minutes above 0.");
  return minutes;
}

function parseNames(text: string): Attack[] {
  return text.split(",").map((name) => {
    const attack = attacks.find((known) => known.name === name.trim());
    if (!attack) throw new InvalidArgumentError(`There is no attack ${name}; see --help.`);
    return attack;
  });
}
