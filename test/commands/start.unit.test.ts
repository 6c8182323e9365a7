import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { describe, expect, it, onTestFinished } from "vitest";
import { commands } from "../../src/commands/commands.js";
import { organizationOption } from "../../src/commands/options.js";
import { regulars, regularsProcess } from "../support/command-line.js";
import { helpOf } from "../support/help.js";
import { nodeParameters } from "../support/program.js";

const loaded = await Promise.all(commands.map(({ load }) => load()));
/** Those that do something: `org` and `events` only group others. */
const working = loaded.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));
/** Those that print lines as long as they run. The others print one answer. */
const lasting = ["serve", "demo"];
const documented = rowsOfCommands(await readFile("docs/commands.md", "utf8"));

describe("every command", () => {
  it.each(working.map((command) => ({ name: command.name(), command })))(
    "$name explains itself and each of its options with --help",
    ({ command }) => {
      expect(command.helpInformation()).toContain("--help");
      expect(command.description()).toMatch(/^[A-Z].{10,}\.$/);
      expect(helpOf(command).match(/^Examples:\n( {2}.*regulars .*\n)+$/m)).not.toBeNull();
      for (const option of command.options) expect(option.description, option.flags).not.toBe("");
    },
  );

  it.each(working.map((command) => ({ name: command.name(), command })))(
    "$name answers machines with --json, in the words of all commands",
    ({ command }) => {
      const json = command.options.find(({ long }) => long === "--json");
      expect(json?.description).toBe(
        lasting.includes(command.name())
          ? "print one JSON object on each line"
          : "print the answer as one line of JSON",
      );
    },
  );

  it.each(working.map((command) => ({ name: command.name(), command })))(
    "$name says of each required option that it is, in the words of all commands",
    ({ command }) => {
      for (const { long, mandatory, description } of command.options) {
        expect(/required/.test(description), `${long}: ${description}`).toBe(
          / \(required(?: (?:when|without) .*)?\)$/.test(description),
        );
        expect(description.endsWith(" (required)"), `${long}: ${description}`).toBe(mandatory);
      }
      const organization = command.options.find(({ long }) => long === "--organization");
      expect(organization?.description ?? organizationOption().description).toBe(
        organizationOption().description,
      );
    },
  );

  it.each([...working.map(nameOf), "complete"].map((name) => ({ name })))(
    "$name has its exit codes in docs/commands.md",
    ({ name }) => {
      expect(documented.get(name)?.trim()).toMatch(/.{5,}/);
    },
  );
});

/** The command with its group's name, as it is typed. */
function nameOf(command: Command): string {
  const group = loaded.find(({ commands }) => commands.includes(command));
  return group ? `${group.name()} ${command.name()}` : command.name();
}

/** When each command exits with 1, by the command's name. A row may be about several commands. */
function rowsOfCommands(page: string): Map<string, string> {
  const [table = ""] = /^\| command \| what it does \| exits with 1 when \|\n(?:\|.*\n)+/m.exec(page) ?? [];
  const rows = table.split("\n").slice(2);
  return new Map(
    rows.flatMap((row) => {
      const [, commandCell = "", , exits = ""] = row.split(/(?<!\\)\|/);
      const names = Array.from(commandCell.matchAll(/`([a-z][a-z-]*(?: [a-z]+(?=[ `]))?)/g));
      return names.map(([, name = ""]) => [name, exits] as const);
    }),
  );
}

describe("the program", () => {
  it("lists its commands with --help, and refuses an unknown one", async () => {
    const help = await regularsProcess({}, "--help");
    expect(help).toMatchObject({ code: 0, stderr: "" });
    const listed = Array.from(help.stdout.matchAll(/^ {2}([a-z][a-z-]*)/gm), ([, name]) => name);
    expect(listed.filter((name) => name !== "help")).toEqual([
      ...loaded.map((command) => command.name()),
      "complete",
    ]);
    const unknown = await regulars({}, "recompile\x1b[31m");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/unknown command 'recompile\\u001b\[31m'/);
  });

  it("completes commands and options in a real bash", async () => {
    const { code, stdout: script } = await regularsProcess({}, "complete", "bash");
    expect(code).toBe(0);
    const folder = await mkdtemp(path.join(tmpdir(), "regulars-complete-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(path.join(folder, "script.bash"), script);
    const asked = `regulars() { ${process.execPath} ${nodeParameters("src/main.ts").join(" ")} "$@"; }
      # What the package bash-completion gives to every script.
      _get_comp_words_by_ref() { words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]}; }
      source ${folder}/script.bash
      complete -p regulars | grep -o 'complete.*-F [a-z_]*' | sed 's/.*-F //' > ${folder}/function
      for words in "regulars expo" "regulars export --cust"; do
        COMP_WORDS=($words) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)) COMPREPLY=()
        $(cat ${folder}/function) regulars
        echo "\${COMPREPLY[@]}"
      done`;
    const { stdout } = await promisify(execFile)("bash", ["-c", asked]);
    expect(stdout.split("\n").map((line) => line.trim())).toEqual(["export", "--customer", ""]);
  });

  it("prints every problem of a bad configuration at once, never a value, and exits 1", async () => {
    const env = {
      DATABASE_URL: "mysql://user:sesame@x/y",
      PORT: "seventy",
      LOG_LEVEL: "loud",
      CRON_SECRET: "false",
    };
    const [serve, command] = await Promise.all([regulars(env, "serve"), regulars(env, "org", "list")]);
    for (const { code, stdout, stderr } of [serve, command]) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      for (const name of Object.keys(env)) expect(stderr).toContain(`  - ${name} `);
      expect(stderr).not.toMatch(/sesame|seventy|loud|at /);
    }
    expect(serve.stderr).toContain("SQUARE_WEBHOOK_SIGNATURE_KEY");
  });

  it("says in one line that the database cannot be reached, and exits 1", async () => {
    const url = "postgresql://user:sesame@127.0.0.1:1/none";
    const answers = await Promise.all([
      regulars({ DATABASE_URL: url }, "sanity-check"),
      regulars({ DATABASE_URL: url }, "org", "list"),
      regularsProcess({ DATABASE_URL: url }, "migrate"),
    ]);
    for (const answer of answers) {
      expect(answer).toEqual({
        code: 1,
        stdout: "",
        stderr:
          "The database cannot be reached: connect ECONNREFUSED 127.0.0.1:1. Is it running, and is DATABASE_URL right?\n",
      });
    }
  });

  it("says in one line why it cannot begin, and exits 1", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "regulars-start-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = path.join(folder, "file");
    await writeFile(file, "");
    const answer = await regulars({ DATA_DIR: path.join(file, "data") }, "org", "list");
    expect(answer).toMatchObject({ code: 1, stdout: "" });
    expect(answer.stderr).toMatch(/^DATA_DIR .*data cannot be used: it is a file\n$/);
  });
});
