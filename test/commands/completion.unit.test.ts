/** The completion scripts of zsh and fish, in these shells. start.unit.test.ts has bash. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, type TestContext, test } from "vitest";
import { regularsProcess } from "../support/command-line.js";
import { CHECKOUT, nodeParameters } from "../support/program.js";
import { skipUnlessRequired } from "../support/skip.js";

/** Runs a script in a shell in which `regulars` is a program. The folder holds the shell's completion script. */
async function inShell(context: TestContext, shell: "zsh" | "fish", script: (folder: string) => string) {
  const missing = spawnSync(shell, ["--version"]).error && `${shell} is missing: apt-get install ${shell}`;
  skipUnlessRequired(context, missing);
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-completion-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const program = [process.execPath, ...nodeParameters("src/main.ts")];
  const regulars = path.join(folder, "regulars");
  writeFileSync(regulars, `#!/bin/sh\ncd ${CHECKOUT} && exec ${program.join(" ")} "$@"\n`);
  chmodSync(regulars, 0o755);
  const { code, stdout } = await regularsProcess({}, "complete", shell);
  expect(code).toBe(0);
  writeFileSync(path.join(folder, "_regulars"), stdout);
  const file = path.join(folder, "script");
  writeFileSync(file, script(folder));
  const env = { ...process.env, HOME: folder, PATH: `${folder}:${process.env.PATH}`, TERM: "dumb" };
  return execFileSync(shell, [shell === "zsh" ? "-f" : "--no-config", file], {
    encoding: "utf8",
    env,
    timeout: 20_000,
  });
}

test("fish completes commands, and the options of a command", async (context) => {
  const completed = await inShell(
    context,
    "fish",
    (folder) => `
      source ${folder}/_regulars
      complete --do-complete "regulars back"
      complete --do-complete "regulars backfill --"`,
  );
  const words = completed
    .trim()
    .split("\n")
    .map((line) => line.split("\t", 1)[0]);
  expect(words).toEqual(["backfill", "backup", "--help", "--json", "--organization", "--restart", "--since"]);
});

test("zsh completes commands, and the options of a command", async (context) => {
  // zpty gives the inner zsh a terminal, where a person presses the tabulator.
  const completed = await inShell(
    context,
    "zsh",
    (folder) => `
      zmodload zsh/zpty
      zpty inner zsh -f -i
      zpty -w inner "fpath=(${folder} \\$fpath); autoload -U compinit; compinit -u -D; print MA''DE"
      zpty -r -m inner shown '*MADE*'
      zpty -w -n inner $'regulars back\\t\\t'
      zpty -r -m inner shown '*backfill*backup*'
      print -r -- "$shown"
      zpty -w -n inner $'\\025regulars backfill --res\\t'
      zpty -r -m inner shown '*--restart*'
      print -r -- "$shown"
      zpty -d inner`,
  );
  expect(completed).toMatch(/backfill +-- Read a merchant.*backup.*--restart/s);
});
