/** docs/quickstart.md is walked: its lines run in order, in terminals, and a browser opens the address to connect at. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DEMO_ACCESS_TOKEN } from "../src/simulator/demo-constants.js";
import { pages } from "../src/square/api/pages.js";
import type { AnyJson } from "./support/any-json.js";
import { migratedDataDir } from "./support/database.js";
import { freePort } from "./support/free-port.js";
import { nodeParameters } from "./support/program.js";
import { nextRelease } from "./support/release.js";
import { skipUnlessRequired } from "./support/skip.js";
import { openApiAt } from "./support/square-context.js";
import { Terminal } from "./support/terminal.js";

const DAY = 86_400_000;
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY);

/** A block of the page, and what the page says before it. */
interface Step {
  readonly said: string;
  readonly lines: string;
}

const [page = ""] = readFileSync("docs/quickstart.md", "utf8").split("## With Square itself");
const steps: readonly Step[] = Array.from(
  page.matchAll(/(.*?)```sh\n(.*?)```/gs),
  ([, said = "", lines = ""]) => ({ said, lines }),
);

const PROGRAM = nodeParameters("src/main.ts", ".").join(" ");

/**
 * npm installs nothing, because the modules are there. It starts the server, but no command, because that takes half
 * a second each time. The salon is smaller and quicker than the page's.
 */
const PRELUDE = `
npm() {
  case "$*" in
    ci) ;;
    "run regulars -- simulate "*)
      shift 3
      node ${PROGRAM} "$@" --customers 20 --locations 1 --live 1 --from ${daysFromNow(-60).toISOString()}
      ;;
    "run regulars -- "*) shift 3; node ${PROGRAM} "$@" ;;
    *) command npm "$@" ;;
  esac
}`;

/** What the next release adds. */
const MIGRATION = "9001_more";

test("docs/quickstart.md leads from nothing to live events, through an upgrade and back, and nothing is lost", async (context) => {
  const missing = ["bash", "git", "openssl"].filter((tool) => spawnSync(tool, ["version"]).error);
  skipUnlessRequired(context, missing.length > 0 ? `${missing} missing: the page was not walked` : undefined);
  const { checkout, publishNext } = makeReleases();
  // The first start makes the database, which takes seconds and is tested elsewhere.
  symlinkSync(await migratedDataDir(), path.join(checkout, ".regulars"));
  const [squarePort, port] = [await freePort(), await freePort()];
  const square = squareAt(`http://127.0.0.1:${squarePort}`);
  const terminals = new Map<string, Terminal>();
  const terminal = (name: string) => {
    const env = {
      ...{ PATH: process.env.PATH ?? "", HOME: path.dirname(checkout), PORT: `${port}` },
      // Where sh is bash, as on macOS, npm passes Ctrl-C on to the script, which gets it twice then.
      npm_config_script_shell: "bash",
    };
    const used = terminals.get(name) ?? new Terminal({ folder: checkout, env, prelude: PRELUDE });
    terminals.set(name, used);
    return used;
  };

  /** Does what the page says: stops what runs in a terminal, starts something in one, or runs lines in the first. */
  async function take({ said, lines }: Step): Promise<string> {
    const [, stopped] = /the (\w+) terminal with Ctrl-C/.exec(said) ?? [];
    if (stopped !== undefined) {
      await terminal(stopped).interrupt();
      await square.missesADelivery();
    }
    const [, named = "first"] = /In the (\w+) terminal:\s*$/i.exec(said) ?? [];
    const used = terminal(named);
    used.begin(lines.replaceAll("4100", `${squarePort}`).replaceAll("3000", `${port}`));
    if (named !== "first") return used.hasPrinted(/Ctrl-C stops it|Server listening/);
    const link = await used.prints(/http:\S+\/connect\/square\?link=\S+(?=\n)/);
    if (link !== undefined) expect(await allowAccess(link)).toBe(200);
    return used.end();
  }

  const printed: string[] = [];
  for (const step of steps) {
    if (step.lines.includes("git fetch")) publishNext();
    let text = await take(step);
    // The first event may still be on its way.
    while (step.lines.includes("events list") && !text.includes("  processed  ")) text = await take(step);
    printed.push(text);
    if (!step.lines.includes("sanity-check")) continue;
    const regulars = regularsAt(`http://127.0.0.1:${port}`, keyIn(checkout));
    // The salon goes on meanwhile, so one reading may lie between an event and its answer.
    await expect.poll(() => differences(regulars, square), { interval: 200 }).toEqual([]);
    expect(await regulars.ask("/admin/jobs/status")).toMatchObject({
      inbox: { dead_events: [], oldest_unprocessed_seconds: null },
    });
  }
  const all = printed.join("\n");
  expect(all).toContain("came and is stored");
  expect(all).toMatch(new RegExp(`pending +expand +${MIGRATION}`));
  expect(all).toContain(`"migrations":["${MIGRATION}"]`);
  expect(all.match(/^pass {2}every column equals its recomputation \(all rows\): [1-9]/gm)).toHaveLength(3);
});

/** The checkout of a new user, and the repository that it was cloned from. */
function makeReleases() {
  const origin = nextRelease({});
  const git = (...parameters: string[]) => execFileSync("git", ["-C", origin, ...parameters]);
  const scripts = readFileSync(path.join(origin, "package.json"), "utf8");
  writeFileSync(path.join(origin, "package.json"), scripts.replaceAll("--import tsx src/main.ts", PROGRAM));
  const commit = (message: string) => {
    git("add", "--all");
    git(
      "-c",
      "user.name=Regulars",
      "-c",
      "user.email=regulars@example.com",
      "commit",
      "--quiet",
      "-m",
      message,
    );
  };
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(path.join(origin, ".git/info/exclude"), "node_modules\n");
  commit("A release");
  const home = mkdtempSync(path.join(tmpdir(), "regulars-quickstart-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const checkout = path.join(home, "regulars");
  git("clone", "--quiet", origin, checkout);
  symlinkSync(path.resolve("node_modules"), path.join(checkout, "node_modules"));
  const publishNext = () => {
    const folder = path.join(origin, "prisma/migrations", MIGRATION);
    mkdirSync(folder);
    writeFileSync(
      path.join(folder, "migration.sql"),
      "create table further_things (id integer primary key);",
    );
    commit("The next release");
  };
  return { checkout, publishNext };
}

/** Opens the address that `connect` printed, and presses Allow. @returns the status of the last page */
async function allowAccess(link: string): Promise<number> {
  const start = await fetch(link, { redirect: "manual" });
  const cookie = start.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const asks = await fetch(start.headers.get("location") ?? "");
  const html = await asks.text();
  const hidden = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  const [, seller = ""] = /<option value="([^"]*)">/.exec(html) ?? [];
  const [, action = ""] = /<form method="post" action="([^"]*)">/.exec(html) ?? [];
  const body = new URLSearchParams({ merchant_id: seller, decision: "allow" });
  for (const [, name = "", value = ""] of hidden) body.append(name, value.replaceAll("&amp;", "&"));
  const pressed = await fetch(new URL(action, asks.url), {
    method: "POST",
    body,
    redirect: "manual",
  });
  return (await fetch(pressed.headers.get("location") ?? "", { headers: { cookie } })).status;
}

type Square = ReturnType<typeof squareAt>;
type Regulars = ReturnType<typeof regularsAt>;

/** Wide enough for everything that the salon has and plans. */
const [FIRST_DAY, LAST_DAY] = [-70, 110];

/** What the simulated Square knows now. */
function squareAt(url: string) {
  const api = openApiAt(url)({ merchantId: "M", accessToken: DEMO_ACCESS_TOKEN });
  const all = async (fetchPage: Parameters<typeof pages>[0]) => {
    const found: AnyJson[] = [];
    for await (const { objects } of pages(fetchPage)) found.push(...objects);
    return found;
  };
  const everything = () => ({ updatedFrom: daysFromNow(FIRST_DAY), updatedTo: daysFromNow(1) });
  const payments = async () => {
    const [location] = (await api.locations()) as AnyJson[];
    return all((cursor) => api.payments({ ...everything(), locationId: location.id, cursor }));
  };
  const bookings = async () => {
    const found: AnyJson[] = [];
    for (let day = FIRST_DAY; day < LAST_DAY; day += 31) {
      const window = { startAtMin: daysFromNow(day), startAtMax: daysFromNow(day + 31) };
      found.push(...(await all((cursor) => api.bookings({ ...window, cursor }))));
    }
    return [...new Map(found.map((booking) => [booking.id, booking])).values()];
  };
  return {
    bookings,
    payments,
    refunds: () => all((cursor) => api.refunds({ ...everything(), cursor })),
    customers: () => all((cursor) => api.customers({ cursor })),
    /** Resolves when somebody has paid in the meantime. */
    missesADelivery: async () => {
      const before = (await payments()).length;
      await expect.poll(async () => (await payments()).length, { interval: 200 }).toBeGreaterThan(before);
    },
  };
}

/** What the dashboard asks the server. */
function regularsAt(url: string, key: string) {
  const ask = async (where: string): Promise<AnyJson> => {
    const headers = { authorization: `Bearer ${key}`, accept: "application/json" };
    const answer = await fetch(`${url}${where}`, { headers });
    return answer.json();
  };
  return { ask };
}

/** Counts and sums everything that Square has, and names what the server answers otherwise. */
async function differences(regulars: Regulars, square: Square): Promise<string[]> {
  const { organizations } = await regulars.ask("/api/organizations");
  const organization = `/api/organizations/${organizations[0].id}`;
  const day = (days: number) => daysFromNow(days).toISOString().slice(0, 10);
  const { current } = await regulars.ask(`${organization}/kpi?from=${day(FIRST_DAY)}&to=${day(LAST_DAY)}`);
  const { customers } = await regulars.ask(`${organization}/customers?limit=200`);
  const rows = new Map<string, AnyJson>(customers.map((row: AnyJson) => [row.square_customer_id, row]));

  const [bookings, payments, refunds, profiles] = await Promise.all([
    square.bookings(),
    square.payments(),
    square.refunds(),
    square.customers(),
  ]);
  const completed = (objects: AnyJson[]) => objects.filter(({ status }) => status === "COMPLETED");
  const sum = (objects: AnyJson[], name: string) =>
    objects.reduce((total, object) => total + Number(object[name]?.amount ?? 0), 0);
  const withStatus = (wanted: string) => bookings.filter(({ status }) => status === wanted).length;
  const expected: Record<string, number> = {
    accepted_appointments: withStatus("ACCEPTED"),
    pending_appointments: withStatus("PENDING"),
    cancelled_by_customer: withStatus("CANCELLED_BY_CUSTOMER"),
    cancelled_by_seller: withStatus("CANCELLED_BY_SELLER"),
    no_show_appointments: withStatus("NO_SHOW"),
    payment_count: completed(payments).length,
    revenue_cents: sum(completed(payments), "amount_money"),
    tips_cents: sum(completed(payments), "tip_money"),
    refunded_cents: sum(completed(refunds), "amount_money"),
  };
  const found = Object.entries(expected)
    .filter(([name, value]) => current[name] !== value)
    .map(([name, value]) => `${name}: ${current[name]}, and ${value} at Square`);
  for (const { id, given_name = null, family_name = null } of profiles) {
    const row = rows.get(id);
    if (row?.given_name !== given_name || row?.family_name !== family_name) found.push(`customer ${id}`);
  }
  const [regular] = [...profiles].sort((a, b) => visitsOf(b) - visitsOf(a));
  function visitsOf({ id }: AnyJson, merged: string[] = []): number {
    return bookings.filter(({ customer_id }) => [id, ...merged].includes(customer_id)).length;
  }
  const { customer, merged_ids } = await regulars.ask(`${organization}/customers/${regular.id}`);
  if (customer.total_bookings !== visitsOf(regular, merged_ids)) found.push(`bookings of ${regular.id}`);
  return found;
}

function keyIn(checkout: string): string {
  const [, key = ""] = /^ADMIN_API_KEY=(.*)$/m.exec(readFileSync(path.join(checkout, ".env"), "utf8")) ?? [];
  return key;
}
