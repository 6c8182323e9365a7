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
const completing = process.argv[2] === "complete";
for (const { name, summary, load } of commands) {
  // A command that the parameters do not name is only listed.
  const command = completing || process.argv.includes(name) ? await load() : new Command(name);
  program.addCommand(command.summary(summary));
}
inheritSettings(program);
await addCompletion(program);

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

/** Adds `complete SHELL`, which prints a script, and `complete -- WORDS`, by which that script asks what fits. */
async function addCompletion(parent: Command): Promise<void> {
  if (completing) (await import("@bomb.sh/tab/commander")).default(parent);
  else parent.addCommand(new Command("complete"));
  const complete = parent.commands.find((command) => command.name() === "complete");
  complete?.summary("print the completion script of bash, zsh, fish or powershell").addHelpText(
    "after",
    `
The script completes the program "regulars" (npm install --global . makes it one). bash needs its package
bash-completion.

Examples:
  regulars complete bash > ~/.local/share/bash-completion/completions/regulars
  regulars complete zsh > ~/.zfunc/_regulars
  regulars complete fish > ~/.config/fish/completions/regulars.fish`,
  );
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
