import { randomInt } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { attacks } from "./attacks.js";
import type { Attack } from "./runner/attack.js";
import { Databases } from "./runner/databases.js";
import { runAll } from "./runner/run.js";
import { summarize, summaryLines } from "./runner/summary.js";

/**
 * The long forms of the attacks in docs/reliability.md, on a real Postgres (TEST_DATABASE_URL, or the local one) where
 * the run makes and drops databases of its own. The short forms are tests.
 */
interface Options {
  readonly minutes: number;
  readonly seed: string;
  readonly only?: readonly Attack[];
  readonly json?: true;
}

export const program = new Command("torture")
  .description(
    "Attack the server and its database, and count what was lost or wrong. Exits 1 if anything was.",
  )
  .option("--minutes <number>", "how long all attacks may take together", parseMinutes, 10)
  .option("--seed <text>", "repeats an earlier run's random choices", String(randomInt(1e9)))
  .option("--only <names>", "some attacks only, with commas", parseNames)
  .option("--json", "print the summary as one JSON value")
  .addHelpText(
    "after",
    `\nAttacks:\n${attacks.map(({ name, describe }) => `  ${name}\n      ${describe}`).join("\n")}`,
  )
  .action(run);

async function run({ minutes, seed, only = attacks, json }: Options): Promise<void> {
  const interrupted = new AbortController();
  process.on("SIGINT", () => {
    // The second Ctrl-C ends at once. A later run drops the databases.
    if (interrupted.signal.aborted) process.exit(130);
    process.stderr.write("\nending: the attack's round is finished and compared first\n");
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
