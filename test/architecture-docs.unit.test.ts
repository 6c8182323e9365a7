import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { handledEventTypes } from "../handlers/registry.js";
import { commands } from "../src/commands/commands.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const read = (file: string) => readFileSync(path.join(ROOT, file), "utf8");
const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

/** The names at the beginnings of lines, as `variables` of src/config.ts has them. */
const variables = sorted(
  Array.from(read("src/config.ts").matchAll(/^ {2}([A-Z_]+): /gm), ([, name = ""]) => name),
);

test("the configuration table of docs/configuration.md has every variable the program reads, and no other", () => {
  const table = /## Variables\n(.*?)\n## /s.exec(read("docs/configuration.md"))?.[1] ?? "";
  const rows = Array.from(table.matchAll(/^\| (`[^|]*) \|/gm), ([, cell = ""]) => cell);
  expect(sorted(rows.flatMap((cell) => cell.match(/[A-Z_]+/g) ?? []))).toEqual(variables);
});

test("the example environment sets no variable that the program does not read", () => {
  const names = Array.from(read(".env.example").matchAll(/^#?([A-Z_]+)=/gm), ([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !variables.includes(name))).toEqual([]);
});

test("the table of docs/commands.md has every command, and no other", () => {
  const table = /## Commands\n(.*?)\n## /s.exec(read("docs/commands.md"))?.[1] ?? "";
  const told = Array.from(table.matchAll(/^\| `([a-z-]+)/gm), ([, name = ""]) => name);
  expect(sorted(told)).toEqual(sorted([...commands.map(({ name }) => name), "complete"]));
});

test("docs/webhooks.md lists every event type that is handled", () => {
  const list = /^Handled types: (.*?)\n\n/ms.exec(read("docs/webhooks.md"))?.[1] ?? "";
  expect(sorted(list.match(/[a-z_]+(\.[a-z_]+)+/g) ?? [])).toEqual(sorted(handledEventTypes));
});

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(path.join(ROOT, "docs")).map((name) => `docs/${name}`),
].filter((name) => name.endsWith(".md"));

test("every relative link and every path in the documents leads somewhere", () => {
  const missing = documents.flatMap((document) => {
    const text = read(document);
    const links = Array.from(text.matchAll(/\]\(([^)#:]+)[^):]*\)/g), ([, link = ""]) =>
      path.join(path.dirname(document), link),
    );
    const paths = Array.from(
      text.matchAll(/`((?:src|handlers|test|docs|prisma|fixtures)\/[\w./-]*\w\/?)`/g),
      ([, file = ""]) => file,
    );
    return [...links, ...paths]
      .filter((file) => !existsSync(path.join(ROOT, file)))
      .map((file) => `${document}: ${file}`);
  });
  expect(missing).toEqual([]);
});

test("every link to a heading of a document names one that it has", () => {
  const missing = documents.flatMap((document) =>
    Array.from(read(document).matchAll(/\]\(([\w./-]*)#([^)]+)\)/g))
      .filter(([, file = "", anchor = ""]) => {
        const target = file === "" ? document : path.join(path.dirname(document), file);
        return !anchorsOf(read(target)).includes(anchor);
      })
      .map(([link]) => `${document}: ${link}`),
  );
  expect(missing).toEqual([]);
});

test("the index lists every document", () => {
  const index = read("docs/README.md");
  const listed = documents.filter((document) => index.includes(`](${path.relative("docs", document)})`));
  expect(documents.filter((document) => !listed.includes(document))).toEqual(["README.md", "docs/README.md"]);
});

/** The anchors that GitHub makes of the headings. */
function anchorsOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```.*?^```/gms, "");
  return Array.from(prose.matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test("every test that docs/reliability.md names as holding a promise exists", () => {
  const named = Array.from(
    read("docs/reliability.md").matchAll(/\| `([\w.-]+\.test\.ts)`: (.+?) \|$/gm),
    ([, file = "", name = ""]) => ({ file, name }),
  );
  expect(named.length).toBeGreaterThan(50);
  const files = readdirSync(path.join(ROOT, "test"), { recursive: true, encoding: "utf8" });
  const holds = ({ file, name }: { file: string; name: string }) =>
    files.some((found) => path.basename(found) === file && read(`test/${found}`).includes(name));
  expect(named.filter((promise) => !holds(promise))).toEqual([]);
});
