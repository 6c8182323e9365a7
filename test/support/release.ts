import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { programFolder } from "./program.js";

/** Makes a folder with this checkout's program and further migrations, like the next release. */
export function nextRelease(migrations: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-release-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  // The server of the attacks is in test/torture/runner.
  for (const name of ["src", "handlers", "test/torture/runner"]) {
    cpSync(path.join(programFolder(), name), path.join(folder, name), { recursive: true });
  }
  for (const name of ["prisma", "scripts", "package.json", "tsconfig.json"]) {
    cpSync(name, path.join(folder, name), { recursive: true });
  }
  symlinkSync(path.resolve("node_modules"), path.join(folder, "node_modules"));
  for (const [name, sql] of Object.entries(migrations)) {
    mkdirSync(path.join(folder, "prisma/migrations", name));
    writeFileSync(path.join(folder, "prisma/migrations", name, "migration.sql"), sql);
  }
  return folder;
}
