/** The ways back of docs/upgrading.md, walked: from each step of an upgrade to the release before. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openDatabase } from "../../../src/database/database.js";
import { nodeParameters } from "../../support/program.js";
import { nextRelease } from "../../support/release.js";
import type { Attack } from "../runner/attack.js";
import { checkNothingLost, checkRows, checkStoredOnce } from "../runner/checks.js";
import { asAdmin, databaseUrl } from "../runner/databases.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ServerProcess } from "../runner/server-process.js";
import { expectToHold } from "../runner/short-form.js";

const EXPAND = { "9001_more": "alter table customers add column further_note text" };
/** The release before cannot store a booking afterwards. */
const CONTRACT = { "9002_renamed_contract": "alter table bookings rename column start_at to begins_at" };

const page = readFileSync("docs/upgrading.md", "utf8");
/** The page's own line that begins with this program. */
const lineOf = (program: string) => new RegExp(`\`(${program} --[^\`]*)\``).exec(page)?.[1] ?? "";

const execute = promisify(execFile);
const { PATH = "" } = process.env;
const shell = (line: string, cwd: string, DATABASE_URL: string) =>
  execute("sh", ["-c", line], { cwd, env: { PATH, DATABASE_URL } });

async function isReady({ url }: ServerProcess): Promise<boolean> {
  return (await fetch(`${url}/readyz`)).ok;
}

function failedUpgrade(migrations: Readonly<Record<string, string>>, needsRestore: boolean): Attack {
  const next = nextRelease(migrations);
  return {
    name: "failed-upgrade",
    describe:
      "The backup fails, then succeeds. The schema is migrated, and the new server does not become ready. The release before takes over again, after a contract on the restored backup.",
    async run(context) {
      const { tally } = context;
      const attacked = await context.openDatabase();
      const { events, organizationId } = await addSalon(attacked, context.seed, 5);
      const half = Math.floor(events.length / 2);
      const folder = mkdtempSync(path.join(tmpdir(), "regulars-rollback-"));
      context.defer(() => rmSync(folder, { recursive: true }));
      const start = async (url: string, options: Parameters<typeof ServerProcess.start>[1] = {}) => {
        const server = await ServerProcess.start(url, options);
        context.defer(() => server.kill());
        return server;
      };
      let server = await start(attacked.url);
      const sender = new Sender({ url: () => server.url, tally });
      context.defer(() => sender.close());
      await sender.deliver(events.slice(0, half));

      // Step 2. No backup: nothing was changed, and the release before runs on.
      const dump = lineOf("pg_dump");
      const failed = await shell(
        dump.replace("before.dump", "missing/before.dump"),
        folder,
        attacked.url,
      ).catch((error) => error);
      tally.expect(failed instanceof Error, "a backup into a missing folder seems to succeed");
      tally.expect(await isReady(server), "the server is not ready after a backup that failed");
      await shell(dump, folder, attacked.url);

      // Step 3.
      if (needsRestore) await server.stop();
      await execute("node", [...nodeParameters("src/main.ts", next), "migrate"], {
        cwd: next,
        env: { PATH, DATABASE_URL: attacked.url },
      });

      // Step 5. The new server does not become ready.
      const refused = await start(attacked.url, { release: next, env: { PORT: "seventy" } }).catch(String);
      tally.expect(typeof refused === "string" && refused.includes("PORT"), `it started: ${refused}`);
      let { url, database } = attacked;
      if (needsRestore) {
        const early = await start(url).catch(String);
        const why = "which this build does not know";
        tally.expect(typeof early === "string" && early.includes(why), `the release before: ${early}`);
        const name = `${attacked.name}_restored`;
        await asAdmin(`create database ${name}`);
        context.defer(() => asAdmin(`drop database if exists ${name} with (force)`));
        url = databaseUrl(name);
        await shell(lineOf("pg_restore"), folder, url);
        const restored = await openDatabase({ databaseUrl: url, dataDir: "", role: "command" });
        context.defer(() => restored.close());
        database = restored;
        server = await start(url);
      }
      tally.expect(await isReady(server), "the release before is not ready after going back");
      await sender.deliver(events.slice(half));
      await checkNothingLost(database, sender.acknowledged.keys(), tally);
      await checkStoredOnce(database, tally);
      await checkRows(database, organizationId, events, new Date(), tally);
      tally.figure("events", events.length);
    },
  };
}

test.each([
  ["after an expand migration the release before runs on when the new server fails", EXPAND, false],
  ["after a contract the backup is restored, and then the release before runs", CONTRACT, true],
] as const)(
  "%s: no event is lost, and every row is exact",
  async (_, migrations, needsRestore) => {
    const { counts, figures } = await expectToHold(failedUpgrade(migrations, needsRestore));
    expect(counts.acknowledged).toBe(figures.events);
    expect(counts.rowsCompared).toBeGreaterThan(0);
  },
  180_000,
);
