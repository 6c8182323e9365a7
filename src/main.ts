#!/usr/bin/env node
import { Command } from "commander";
import { commands } from "./commands/commands.js";
import { printableLines } from "./commands/printable.js";
import { explainUnavailable } from "./database/failures.js";
import { RegularsError } from "./errors.js";

const program = new Command("regulars")
  .description("Customer analytics for sellers on Square, exact after every webhook.")
  .showHelpAfterError("(add --help for the options)")
  .configureOutput({ writeErr: (text) => process.stderr.write(printableLines(text)) });
for (const { name, summary, load } of commands) {
  // A command that the parameters do not name is only listed.
  const command = process.argv.includes(name) ? await load() : new Command(name);
  program.addCommand(command.summary(summary));
}
inheritSettings(program);

const output = watchOutput();
try {
  await program.parseAsync();
} catch (error) {
  if (!output.closed) process.stderr.write(`${printableLines(explain(error))}\n`);
  process.exitCode = 1;
}

/** A closed pipe is not a failure, because its reader has seen enough. Any other output error is reported once. */
function watchOutput() {
  const output = { closed: false, failed: false };
  process.stderr.on("error", () => {});
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") output.closed = true;
    if (output.closed || output.failed) return;
    output.failed = true;
    process.exitCode = 1;
    process.stderr.write(`Standard output cannot be written: ${code}.\n`);
  });
  return output;
}

/** Commander passes its settings only to commands that it creates, not to those that are added. */
function inheritSettings(parent: Command): void {
  for (const command of parent.commands) inheritSettings(command.copyInheritedSettings(parent));
}

function explain(error: unknown): string {
  if (error instanceof RegularsError) return error.message;
  const unavailable = explainUnavailable(error);
  if (unavailable !== undefined) return unavailable;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
