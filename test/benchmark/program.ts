import { cpus, totalmem } from "node:os";
import { Command } from "commander";
import { parseCount, parseList } from "../../src/commands/options.js";
import { asAdmin } from "./bench-database.js";
import { benchMerchant } from "./merchant.js";
import { benchRead } from "./read.js";
import { benchRecompute } from "./recompute.js";
import { benchSweep } from "./sweep.js";
import { benchWebhooks } from "./webhooks.js";

/**
 * The benchmarks behind the speeds in the docs. They need a Postgres (DATABASE_URL, or the local one) on which they
 * may create databases, and pgbench on the PATH. Figures depend on the machine, so no test checks them.
 */
export const program = new Command("bench").description(
  "Measures on a real Postgres, and prints a table and JSON.",
);

program
  .command("webhooks")
  .description("Signed HTTP load over 1 and 32 connections, and pgbench with the same transaction alone.")
  .option("--seconds <number>", "how long each load lasts", parseCount, 15)
  .action((options: { seconds: number }) => report("webhooks", () => benchWebhooks(options)));

program
  .command("recompute")
  .description("One customer's recompute in organizations of growing size, and a full refresh.")
  .option("--sizes <list>", "customers of the organizations, with commas", "1000,1000000")
  .action(({ sizes }: { sizes: string }) =>
    report("recompute", () => benchRecompute({ sizes: parseList(sizes).map(parseCount) })),
  );

program
  .command("sweep")
  .description("The hourly sweep without pulls: nothing wrong, a day later, every row wrong.")
  .action(() => report("sweep", () => benchSweep()));

program
  .command("merchant")
  .description("Pulls of one merchant from a fake Square: the first, the next, and everything again.")
  .option("--customers <number>", "customers of the merchant", parseCount, 400)
  .action((options: { customers: number }) => report("merchant", () => benchMerchant(options)));

program
  .command("read")
  .description("Every read route of the API beside webhooks, on an organization of a chosen size.")
  .option(
    "--customers <number>",
    "customers of the organization, with nine bookings and six payments each",
    parseCount,
    100_000,
  )
  .option("--rate <number>", "webhooks a second", parseCount, 200)
  .option("--keep", "keep the database, and use the one that an earlier run of the same size kept")
  .option("--only <text>", "only the questions whose name contains this text")
  .action((options: { customers: number; rate: number; keep?: true; only?: string }) =>
    report("read", () => benchRead(options)),
  );

async function report(name: string, measure: () => Promise<readonly object[]>): Promise<void> {
  // The figures include durability. Without it a commit costs nothing.
  await asAdmin("do $$ begin assert current_setting('synchronous_commit') = 'on'; end $$");
  const figures = await measure();
  console.table(
    figures.map((figure) => Object.fromEntries(Object.entries(figure).map(([k, v]) => [k, brief(v)]))),
  );
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
  console.log(JSON.stringify({ benchmark: name, node: process.version, machine, figures }));
}

function brief(value: unknown): unknown {
  if (typeof value === "number") return Math.round(value * 100) / 100;
  return typeof value === "object" ? JSON.stringify(value) : value;
}
