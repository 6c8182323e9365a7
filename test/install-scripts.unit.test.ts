import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8"));

/** npm 11 warns about an install script that nobody decided on. */
test("package.json decides on the install script of each dependency that has one, and of no other", () => {
  const packages: Record<string, { hasInstallScript?: boolean }> = read("package-lock.json").packages;
  const withScripts = Object.entries(packages).flatMap(([folder, { hasInstallScript }]) =>
    hasInstallScript && folder !== "" ? [folder.replace(/^.*node_modules\//, "")] : [],
  );
  expect(withScripts).not.toEqual([]);
  const decided: Record<string, boolean> = read("package.json").allowScripts;
  expect(Object.keys(decided).sort()).toEqual([...new Set(withScripts)].sort());
  expect(new Set(Object.values(decided))).toEqual(new Set([false]));
});
