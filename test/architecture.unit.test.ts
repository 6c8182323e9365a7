import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { cruise, pictureOf, readPage, violationsOf, withPicture } from "../docs/scripts/arrows.js";
import { outdatedPages } from "../docs/scripts/columns.js";

/** A folder with these files, each with its text. */
function houseOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-house-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

// Once for all tests: following every import takes two seconds.
const house = cruise();

test("every import goes down, along the arrows of .dependency-cruiser.cjs", () => {
  expect(house.modules.length).toBeGreaterThan(100);
  expect(violationsOf(house)).toEqual([]);
});

test("the picture in docs/architecture.md is current: npm run arrows writes it", () => {
  expect(readPage()).toBe(withPicture(readPage(), pictureOf(house)));
});

test("docs/columns.md, the Prisma fields and the README's count follow from the catalogue: npm run docs writes them", () => {
  expect(outdatedPages()).toEqual([]);
});

test("a house with nothing against the rules is let pass", () => {
  const folder = houseOf({
    "src/inbox/inbox.ts": 'import { writeFacts } from "../facts/write-facts.js";\nwriteFacts();\n',
    "src/facts/write-facts.ts": "export function writeFacts(): void {}\n",
  });
  expect(violationsOf(cruise(folder, ["src"]))).toEqual([]);
});

test("every import against the rules is found, even of a type, and told with the rule", () => {
  const imports = (path: string) => `import type { X } from "${path}";\nexport type Y = X;\n`;
  const folder = houseOf({
    "handlers/handler.ts": imports("../src/database/database.js"),
    "handlers/writer.ts": imports("../src/facts/locks.js"),
    "src/app.ts": imports("./simulator/salon.js"),
    "src/attic/box.ts": imports("../errors.js"),
    "src/commands/serve.ts": imports("../http/routes.js"),
    "src/dashboard/page.ts": 'import { x } from "../reports/kpi.js";\nx();\n',
    "src/database/database.ts": imports("../gone.js"),
    "src/facts/one.ts": imports("./two.js"),
    "src/facts/two.ts": imports("./one.js"),
    "src/inbox/inbox.ts": imports("../http/routes.js"),
    "src/square/leaf.ts": imports("../facts/one.js"),
    "src/errors.ts": "export type X = string;\n",
    "src/facts/locks.ts": "export type X = string;\n",
    "src/http/routes.ts": "export type X = string;\n",
    "src/reports/kpi.ts": "export function x(): void {}\n",
    "src/simulator/salon.ts": "export type X = string;\n",
  });
  const beginnings = [
    "handlers/handler.ts imports src/database/database.ts: handlers may import facts, square.",
    "handlers/writer.ts imports src/facts/locks.ts: Handlers make facts",
    "src/app.ts imports src/simulator/salon.ts: app may import http,",
    "src/attic/box.ts imports src/errors.ts: A new room needs a line",
    "src/commands/serve.ts imports src/http/routes.ts: commands may import app,",
    "src/dashboard/page.ts imports src/reports/kpi.ts: The dashboard runs in a browser",
    "src/database/database.ts imports ../gone.js: An import that leads nowhere.",
    "src/facts/one.ts imports src/facts/two.ts: Modules that import each other",
    "src/inbox/inbox.ts imports src/http/routes.ts: inbox may import handlers,",
    "src/square/leaf.ts imports src/facts/one.ts: square may import errors.",
  ];
  const violations = violationsOf(cruise(folder)).sort();
  expect(violations.map((violation, index) => violation.slice(0, beginnings[index]?.length))).toEqual(
    beginnings,
  );
});
