import { expect, test } from "vitest";
import { nextRelease } from "../../support/release.js";
import type { Attack } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ServerProcess } from "../runner/server-process.js";
import { expectToHold } from "../runner/short-form.js";

/** What a release may add: a table, columns with and without a default, an index, a function. */
const EXPAND = `
  create table further_things (id integer primary key);
  alter table customer_analytics add column further_count integer not null default 0;
  alter table bookings add column further_note text;
  create index further_idx on payments (organization_id, source_type);
  create function further(n integer) returns integer language sql immutable return n + 1;`;

function neighbours(next: string): Attack {
  return {
    name: "neighbours",
    describe:
      "Servers of two neighbouring releases take events side by side; then the upgrade is taken back.",
    async run(context) {
      const { tally, random } = context;
      const attacked = await context.openDatabase();
      const salon = await addSalon(attacked, context.seed, 6);
      const quarter = Math.ceil(salon.events.length / 4);
      const part = (at: number) => salon.events.slice(at * quarter, (at + 1) * quarter);
      let servers: ServerProcess[] = [];
      const sender = new Sender({ url: () => random.pick(servers).url, tally });
      const start = async (release?: string) => {
        const server = await ServerProcess.start(attacked.url, release === undefined ? {} : { release });
        context.defer(() => server.kill());
        servers = [...servers, server];
        return server;
      };
      const ready = async (server: ServerProcess, what: string) => {
        const { status } = await fetch(`${server.url}/readyz`);
        tally.expect(status === 200, `${what} answers /readyz with ${status}`);
      };

      const old = await start();
      const whileMigrating = sender.deliver(part(0));
      const newer = await start(next);
      const { rows } = await attacked.database.pool.query(
        "select to_regclass('further_things') is not null as there",
      );
      tally.expect(rows[0]?.there, "the newer release has not migrated");
      tally.expect((await whileMigrating) === 0, "events were lost while the newer release migrated");
      await ready(old, "the old release beside the newer one");
      await ready(newer, "the newer release");
      tally.expect((await sender.deliver(part(1))) === 0, "events were lost side by side");

      // The way back: the newer server is killed at work, and the release before it starts.
      const whileGoing = sender.deliver(part(2));
      await newer.kill();
      servers = [old];
      tally.expect((await whileGoing) === 0, "events were lost while the newer release went");
      await old.stop();
      servers = [];
      await ready(await start(), "the old release, started on the newer schema,");
      tally.expect((await sender.deliver(part(3))) === 0, "events were lost after going back");
      sender.close();
      await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
      await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
    },
  };
}

test("servers of two neighbouring releases take events side by side, and going back loses none", async () => {
  const { counts } = await expectToHold(neighbours(nextRelease({ "9001_more": EXPAND })));
  expect(counts.acknowledged).toBeGreaterThan(20);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
