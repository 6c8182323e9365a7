/** Every command line in the documents is one that the program takes. */
import { readdirSync, readFileSync } from "node:fs";
import { type Command, CommanderError } from "commander";
import { expect, test } from "vitest";
import { commands } from "../src/commands/commands.js";
import { program as bench } from "./benchmark/program.js";
import { helpOf } from "./support/help.js";
import { program as torture } from "./torture/program.js";

interface CommandLine {
  /** The document and its line. */
  readonly at: string;
  /** What follows on `regulars` or on `npm`. */
  readonly program: "regulars" | "npm";
  readonly words: readonly string[];
  /** In a block it can be run as it stands. In running text it may leave out what every command needs. */
  readonly complete: boolean;
}

const pages = (folder: string) => readdirSync(folder).map((name) => `${folder}/${name}`);
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "compose.yaml",
  "Dockerfile",
  ...pages("docs"),
  ...pages("docs/deploy"),
  ...pages("docs/deploy/kubernetes"),
  "scripts/deploy.sh",
].filter((file) => /\.(md|yaml|sh|service)$|Dockerfile$/.test(file));

/**
 * `regulars` as the program of a line or of a container, not as a part of a path, an address or a name; or a script
 * of npm.
 */
const START =
  /(?<=^|&& | server | migrate | regulars | -- |\|\| |; |\$\(|[A-Z_]+=\S+ |^ +)(?:npm run (?:regulars --|(?!regulars)(\S+))|regulars|node dist\/src\/main\.js|"\$\{regulars\[@\]\}")(?= |$)/g;

const helps = (await Promise.all(commands.map(({ load }) => load()))).flatMap((command) =>
  [command, ...command.commands].map((each) => ({
    file: `${command.name() === each.name() ? "" : `${command.name()} `}${each.name()} --help`,
    text: helpOf(each),
  })),
);
const lines = [...documents.map((file) => ({ file, text: readFileSync(file, "utf8") })), ...helps].flatMap(
  ({ file, text }) => commandLinesOf(file, text),
);
const scripts: Record<string, string> = JSON.parse(readFileSync("package.json", "utf8")).scripts;

test("the documents hold the command lines that this test is about", () => {
  expect(lines.filter(({ program }) => program === "regulars").length).toBeGreaterThan(130);
  expect(lines.filter(({ complete }) => complete).length).toBeGreaterThan(70);
  expect(new Set(lines.map(({ at }) => at.split(":")[0])).size).toBeGreaterThan(35);
});

test("the help of every command and subcommand has an example", () => {
  const examples = new Set(lines.filter(({ complete }) => complete).map(({ at }) => at.split(":")[0]));
  expect(helps.map(({ file }) => file).filter((file) => !examples.has(file))).toEqual([]);
});

test("every command line of `regulars` in the documents and in the help is one that the program takes", async () => {
  const wrong: string[] = [];
  for (const line of lines.filter(({ program }) => program === "regulars")) {
    const [name] = line.words;
    const known = commands.find((command) => command.name === name);
    if (["complete", "COMMAND"].includes(name ?? "")) continue;
    const problem = known ? refusal(await known.load(), line.words.slice(1), line) : "is no command";
    if (problem) wrong.push(`${line.at}: regulars ${line.words.join(" ")}: ${problem}`);
  }
  expect(wrong).toEqual([]);
});

test("every `npm run` in the documents names a script, and options that it takes", () => {
  const wrong: string[] = [];
  const own: Record<string, Command> = { bench, torture };
  for (const line of lines.filter(({ program }) => program === "npm")) {
    const [name = "", separator, ...words] = line.words;
    const problem = !(name in scripts)
      ? "is no script"
      : separator !== undefined && separator !== "--"
        ? "needs -- before the script's own words"
        : own[name] && words.length > 0
          ? refusal(own[name], words, line)
          : undefined;
    if (problem) wrong.push(`${line.at}: npm run ${line.words.join(" ")}: ${problem}`);
  }
  expect(wrong).toEqual([]);
});

test.each([
  ["regulars erase --customer C1 --yess", "unknown option '--yess'"],
  ["regulars backup", "missing required argument 'file'"],
  ["regulars org remove", "unknown command 'remove'"],
  ["regulars events list --limit many", "'many' is invalid"],
  ["regulars sanity-check everything", "too many arguments"],
])("the line `%s` would be found: %s", async (text, why) => {
  const [line] = commandLinesOf("page.md", `\`\`\`\n${text}\n\`\`\``);
  const known = commands.find(({ name }) => name === line?.words[0]);
  expect(line && known && refusal(await known.load(), line.words.slice(1), line)).toContain(why);
});

/** Why the command would refuse these words, or undefined. Its action does not run. */
function refusal(command: Command, words: readonly string[], { complete }: CommandLine): string | undefined {
  const lenient = complete ? [] : ["missingArgument", "missingMandatoryOptionValue", "optionMissingArgument"];
  for (const each of [command, ...command.commands]) {
    each.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (each.commands.length === 0) each.action(() => {});
  }
  try {
    command.parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isPlaceholder = !complete && /argument '([A-Z]+|…)' is invalid/.test(error.message);
    const isLeftOut = lenient.includes(error.code.replace("commander.", ""));
    if (error.exitCode !== 0 && !isLeftOut && !isPlaceholder) return error.message;
  }
  return undefined;
}

/** The command lines of a document: those of its blocks, and those between backticks in running text. */
function commandLinesOf(file: string, text: string): CommandLine[] {
  const found: CommandLine[] = [];
  const add = (code: string, offset: number, complete: boolean) => {
    for (const match of code.matchAll(START)) {
      const script = match[1];
      const program = script === undefined ? "regulars" : "npm";
      const words = wordsOf(`${script ?? ""}${code.slice(match.index + match[0].length)}`);
      if (words.length === 0) continue;
      const at = `${file}:${text.slice(0, offset + match.index).split("\n").length}`;
      found.push({ at, program, words, complete });
    }
  };
  if (!file.endsWith(".md")) {
    for (const line of text.matchAll(/^.*$/gm)) {
      if (!/^\s*#/.test(line[0])) add(line[0], line.index, true);
    }
    return found;
  }
  const blocks = /^ *```(\w*)\n(.*?)^ *```$/gms;
  for (const block of text.matchAll(blocks)) {
    if (!["", "sh", "bash"].includes(block[1] ?? "")) continue;
    const begin = block.index + block[0].indexOf("\n") + 1;
    for (const line of (block[2] ?? "").replaceAll("\\\n", "  ").matchAll(/^.*$/gm)) {
      add(line[0], begin + line.index, true);
    }
  }
  const prose = text.replaceAll(blocks, (block) => block.replaceAll(/[^\n]/g, " "));
  for (const span of prose.matchAll(/`([^`]+)`/g)) {
    const code = (span[1] ?? "").replaceAll("\n", " ").replaceAll("\\|", "|");
    add(isCommand(code) ? `regulars ${code}` : code, span.index + 1, false);
  }
  return found;
}

/** Running text names a command without the program: `erase --customer ID`. */
function isCommand(code: string): boolean {
  return commands.some(({ name }) => code.startsWith(`${name} `));
}

/** The words of a line of a shell, up to a pipe, a redirection, a comment or the next command. */
function wordsOf(line: string): string[] {
  const [command = ""] = /^(?:"[^"]*"|'[^']*'|\s#.*$|[^|<>;&#)])*/.exec(line) ?? [];
  return Array.from(command.replace(/\s#.*$/, "").matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g), ([word]) =>
    word.replaceAll(/["']/g, ""),
  );
}
