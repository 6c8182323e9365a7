/**
 * Follows every import of src and handlers with dependency-cruiser, checks it against .dependency-cruiser.cjs, and
 * draws the rooms and arrows into docs/architecture.md. `npm run arrows` runs this.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = path.join(ROOT, "docs/architecture.md");
const BEGIN = "<!-- arrows: written by npm run arrows -->";
const END = "<!-- end of arrows -->";

/** Every room may use these, so arrows to them would hide all others. */
const EVERYWHERE = ["config", "clock", "log", "errors", "tracing"];

/** The parts of dependency-cruiser's JSON that are used here. */
export interface Cruise {
  readonly modules: readonly {
    readonly source: string;
    readonly dependencies: readonly { readonly resolved: string }[];
  }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
    readonly ruleSetUsed: {
      readonly forbidden: readonly { readonly name: string; readonly comment: string }[];
    };
  };
}

/** @param folder the folder that holds the sources */
export function cruise(folder = ROOT, sources: readonly string[] = ["src", "handlers"]): Cruise {
  const program = path.join(ROOT, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const rules = path.join(ROOT, ".dependency-cruiser.cjs");
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [program, "--config", rules, "--output-type", "json", ...sources],
    { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 28 },
  );
  // The exit code is the number of violations, so only a missing answer is a failure.
  if (!stdout.startsWith("{")) throw new Error(`dependency-cruiser failed: ${stderr || stdout}`);
  return JSON.parse(stdout) as Cruise;
}

/** One line for each import that is against the rules. */
export function violationsOf({ summary }: Cruise): string[] {
  const comments = new Map(summary.ruleSetUsed.forbidden.map(({ name, comment }) => [name, comment]));
  return summary.violations.map(({ from, to, rule }) => `${from} imports ${to}: ${comments.get(rule.name)}`);
}

/** The rooms and the arrows between them, as a Mermaid flow chart. */
export function pictureOf({ modules }: Cruise): string {
  const arrows = modules.flatMap(({ source, dependencies }) =>
    dependencies.map(({ resolved }) => [roomOf(source), roomOf(resolved)] as const),
  );
  const lines = arrows
    .filter(
      ([from, to]) => from && to && from !== to && !EVERYWHERE.includes(from) && !EVERYWHERE.includes(to),
    )
    .map(([from, to]) => `  ${from} --> ${to}`);
  return ["```mermaid", "flowchart TD", ...[...new Set(lines)].sort(), "```"].join("\n");
}

/** The page with the picture in its place. */
export function withPicture(page: string, picture: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no place for the picture`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${picture}\n\n${page.slice(end)}`;
}

/** A room is a folder of src or a file directly in it; `handlers` stands beside src. */
function roomOf(module: string): string | undefined {
  const [top, second] = module.split("/");
  if (top === "handlers") return top;
  return top === "src" ? second?.replace(/\.ts$/, "") : undefined;
}

export function readPage(): string {
  return readFileSync(PAGE, "utf8");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const found = cruise();
  writeFileSync(PAGE, withPicture(readPage(), pictureOf(found)));
  const violations = violationsOf(found);
  for (const violation of violations) console.error(violation);
  console.log(`${found.modules.length} modules, ${violations.length} imports against the rules`);
  if (violations.length > 0) process.exitCode = 1;
}
