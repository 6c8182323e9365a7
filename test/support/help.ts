import type { Command } from "commander";

/** The whole text of --help. `helpInformation` lacks what is added to it. */
export function helpOf(command: Command): string {
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  return help;
}
