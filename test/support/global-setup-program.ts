import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { transformWithOxc } from "vite";
import { CHECKOUT, COMPILED } from "./program.js";

/** The folders of everything that tests run in separate processes. */
const SOURCES = ["src", "handlers", "test/support", "test/torture/runner"];
const LEFT_OUT = /^src\/dashboard\//;

/**
 * Compiles the program once for a run. A process that loads the source instead needs a second or more of processor
 * time to start. The workers and their processes find the folder in the environment.
 */
export default async function setUp() {
  // Another project of this run has compiled it.
  if (process.env[COMPILED]) return;
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-program-"));
  process.env[COMPILED] = folder;
  for (const name of ["node_modules", "prisma", "package.json"]) {
    symlinkSync(path.join(CHECKOUT, name), path.join(folder, name));
  }
  await Promise.all(sources().map((file) => compile(file, folder)));
  return () => rmSync(folder, { recursive: true, force: true });
}

function sources(): string[] {
  const files = SOURCES.flatMap((root) =>
    readdirSync(path.join(CHECKOUT, root), { recursive: true, encoding: "utf8" }).map((name) =>
      path.join(root, name),
    ),
  );
  return files.filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !LEFT_OUT.test(file));
}

async function compile(file: string, folder: string): Promise<void> {
  const source = path.join(CHECKOUT, file);
  const { code } = await transformWithOxc(readFileSync(source, "utf8"), source, { sourcemap: false });
  const target = path.join(folder, file.replace(/\.ts$/, ".js"));
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, code);
}
