/** The blocks of shell in README and docs are run, as far as they can be run on any machine. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { migratedDataDir } from "./support/database.js";
import { freePort } from "./support/free-port.js";
import { nodeParameters } from "./support/program.js";
import { skipUnlessRequired } from "./support/skip.js";
import { Terminal } from "./support/terminal.js";

interface Block {
  /** The document and the block's first line. */
  readonly at: string;
  readonly lines: string;
}

/** Other tests run the blocks of these pages. */
const ELSEWHERE = ["docs/quickstart.md", "docs/api.md", "docs/troubleshooting.md", "docs/operations.md"];

const blocks: readonly Block[] = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)]
  .filter((file) => file.endsWith(".md") && !ELSEWHERE.includes(file))
  .flatMap((file) =>
    Array.from(
      readFileSync(file, "utf8").matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms),
      ([, indent = "", language = "", lines = ""]) => ({
        at: `${file}: ${lines.trim().split("\n")[0]}`,
        language,
        lines: lines.replace(new RegExp(`^${indent}`, "gm"), ""),
      }),
    ),
  )
  .filter(({ language }) => ["", "sh", "bash"].includes(language));

/** What cannot be run here: a line of the block begins so, and this is why. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^docker /, "needs a Docker engine"],
  [/^kubectl /, "needs a cluster"],
  [/^(useradd|systemctl|alias) /, "changes the machine; test/deployment checks the unit and the alias"],
  [
    /^(export SQUARE_APPLICATION_ACCESS_TOKEN|regulars (connect|subscribe|doctor|disconnect|backfill))/,
    "needs Square; docs/quickstart.md walks it with the simulated one",
  ],
  [/ < token\.txt$/, "needs a seller's access token"],
  [/^(pg_restore|psql) /, "test/torture/upgrade restores dumps"],
  [/^mkdir -m 700 secrets/, "makes the secrets of Compose; test/deployment reads them"],
  [/^scripts\/deploy\.sh/, "test/deployment runs it"],
  [/^npm (ci|test|run torture|run demo)/, "is the installation, the demo or the tests themselves"],
  [/^curl --fail --max-time 600 .*https:/, "has a host's own name; docs/sweep.md has the same request"],
  [/^(Storing two years|src\/|handlers\/|flowchart)/, "is no shell"],
];

const reasonOf = ({ lines }: Block) =>
  NOT_RUN.find(([start]) => lines.split("\n").some((line) => start.test(line)))?.[1];

/** In this order, because one makes what the next needs. */
const RUN: readonly { readonly at: string; readonly prints: readonly RegExp[] }[] = [
  { at: "README.md: npm run regulars -- migrate", prints: [/[0-9a-f]{8}-[0-9a-f]{4}/] },
  {
    at: "README.md: KEY=my-signature-key",
    prints: [/"status":"processed"/, /"status":"duplicate"/, /"code":"invalid_signature"/],
  },
  {
    at: 'README.md: curl -H "Authorization: Bearer $ADMIN_API_KEY" http://127.0.0.1:3000/api/organizations/$ORGANIZATION/customers/CUST1',
    prints: [/"total_revenue_cents":4500/],
  },
  { at: "docs/sweep.md: npm run regulars -- reconcile --json", prints: [/"success":true.*"success":true/s] },
  { at: "docs/webhooks.md: npm run regulars -- events list --status dead", prints: [] },
  { at: "docs/upgrading.md: npm run regulars -- migrate --status", prints: [/0001_initial/] },
  {
    at: "docs/upgrading.md: npm run regulars -- backup before.tar.gz",
    prints: [/holds the database/],
  },
  {
    at: "docs/upgrading.md: DATA_DIR=/var/lib/regulars-restored npm run regulars -- restore before.tar.gz",
    prints: [/every column equals its recomputation/],
  },
  {
    at: "docs/privacy.md: npm run regulars -- export --customer CUSTOMER_ID --out copy.ndjson",
    prints: [/3 objects in copy/],
  },
  { at: "docs/privacy.md: npm run regulars -- erase --customer CUSTOMER_ID", prints: [/[Ee]rased/] },
];

test("every block of shell is run by a test, or a reason says why it cannot be", () => {
  const known = new Set(RUN.map(({ at }) => at));
  expect(RUN.map(({ at }) => at).filter((at) => !blocks.some((block) => block.at === at))).toEqual([]);
  expect(blocks.filter((block) => !known.has(block.at) && !reasonOf(block)).map(({ at }) => at)).toEqual([]);
  // A reason that no block has any more goes.
  for (const [start, reason] of NOT_RUN) {
    const has = blocks.some(({ lines }) => lines.split("\n").some((line) => start.test(line)));
    expect(has, reason).toBe(true);
  }
});

test("the blocks that can be run are run in a fresh folder beside a server, and print what the pages say", async (context) => {
  const missing = ["bash", "openssl", "curl"].filter((tool) => spawnSync(tool, ["version"]).error);
  skipUnlessRequired(context, missing.length > 0 ? `${missing} missing: the blocks were not run` : undefined);
  const folder = mkdtempSync(path.join(tmpdir(), "regulars-blocks-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: folder, PORT: `${port}`, DATA_DIR: await migratedDataDir() },
    ADMIN_API_KEY: "an-admin-key-of-the-tests",
    CRON_SECRET: "a-cron-secret-of-the-tests",
    SQUARE_WEBHOOK_SIGNATURE_KEY: "my-signature-key",
    SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example.com/webhooks/square",
    RECONCILE_SCHEDULE: "off",
  };
  // npm would look for its package in the folder. Every block is its own shell.
  const program = nodeParameters("src/main.ts").join(" ");
  const prelude = `npm() { shift 3; node ${program} "$@"; }; PROMPTED=`;
  const server = new Terminal({ folder, env, prelude });
  server.begin(`exec node ${program} serve`);
  await server.hasPrinted(/Server listening/);
  let organization = "";
  for (const { at, prints } of RUN) {
    const block = blocks.find((each) => each.at === at);
    const shell = new Terminal({ folder, env: { ...env, ORGANIZATION: organization }, prelude });
    shell.begin(
      (block?.lines ?? "")
        .replaceAll("127.0.0.1:3000", `127.0.0.1:${port}`)
        .replaceAll("CUSTOMER_ID", "CUST1")
        .replaceAll("/var/lib/regulars-restored", path.join(folder, "restored")),
    );
    const text = await shell.end();
    for (const expected of prints) expect(text, at).toMatch(expected);
    organization ||= /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)?.[0] ?? "";
  }
  expect(readFileSync(path.join(folder, "copy.ndjson"), "utf8")).toContain("PAY1");
});
