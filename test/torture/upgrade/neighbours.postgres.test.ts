import { expect, test } from "vitest";
import { nextRelease } from "../../support/release.js";
import { StreamReader } from "../../support/stream-reader.js";
import { Balancer } from "../networks/balancer.js";
import type { Attack } from "../runner/attack.js";
import { checkNothingLost, checkRows, checkStoredOnce } from "../runner/checks.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ADMIN_KEY, ServerProcess } from "../runner/server-process.js";
import { expectToHold } from "../runner/short-form.js";

/** What a release may add: a table, columns with and without a default, an index, a function. */
const EXPAND = `
  create table further_things (id integer primary key);
  alter table customer_analytics add column further_count integer not null default 0;
  alter table bookings add column further_note text;
  create index further_idx on payments (organization_id, source_type);
  create function further(n integer) returns integer language sql immutable return n + 1;`;

type Events = Awaited<ReturnType<typeof addSalon>>["events"];

function neighbours(next: string): Attack {
  return {
    name: "neighbours",
    describe:
      "Four servers behind a balancer take events. One is replaced by the next release, the new one is killed, and a server of the old release is added on the newer schema.",
    async run(context) {
      const { tally, random } = context;
      const attacked = await context.openDatabase();
      const { events, organizationId } = await addSalon(attacked, context.seed, 6);
      const part = (from: number, to: number) =>
        events.slice(Math.floor(from * events.length), Math.floor(to * events.length));
      const balancer = await Balancer.open();
      context.defer(() => balancer.close());
      const start = async (release?: string) => {
        const server = await ServerProcess.start(attacked.url, release === undefined ? {} : { release });
        context.defer(() => server.kill());
        await balancer.add(server);
        return server;
      };
      const sender = new Sender({ url: () => balancer.url, tally, connections: 4 });
      const deliver = async (deliveries: Iterable<Events[number]>, when: string) =>
        tally.expect((await sender.deliver(deliveries)) === 0, `events were lost ${when}`);

      /** Begins `work` after a third of the events. Until it ends, these are repeated, mixed with the second third. */
      const deliverDuring = async (given: Events, when: string, work: () => Promise<unknown>) => {
        let begin = () => {};
        const begun = new Promise<void>((resolve) => {
          begin = resolve;
        });
        let isOver = false;
        function* deliveries() {
          const third = Math.ceil(given.length / 3);
          const [before, beside] = [given.slice(0, third), given.slice(third, 2 * third)];
          yield* before;
          begin();
          while (!isOver) yield (random.chance(0.1) && beside.shift()) || random.pick(before);
          yield* beside;
          yield* given.slice(2 * third);
        }
        const working = begun.then(work).finally(() => {
          isOver = true;
        });
        await Promise.all([deliver(deliveries(), when), working]);
      };

      const [kept, replaced] = await Promise.all([start(), start(), start(), start()]);
      let newer = kept;
      await deliverDuring(part(0, 0.4), "while one server was replaced by the next release", async () => {
        newer = await start(next);
        const { rows } = await attacked.database.pool.query(
          "select to_regclass('further_things') is not null as there",
        );
        tally.expect(rows[0]?.there, "the newer release has not migrated");
        const { code } = await replaced.stop();
        tally.expect(code === 0, `the replaced server ended with ${code}`);
      });
      tally.expect(balancer.answeredBy(newer) > 0, "the newer release took no event");

      // Only the newer server gets these events. The stream of a server of the old release has their changes.
      const stream = await follow(kept, organizationId);
      const direct = new Sender({ url: () => newer.url, tally });
      let told = 0;
      for (const from of [0.4, 0.44, 0.48]) {
        const given = part(from, from + 0.04);
        const ids = new Set(given.map(({ event_id }) => event_id));
        const read = stream.events.length;
        tally.expect((await direct.deliver(given)) === 0, "events were lost on the newer release");
        // A stream has ten changes a second and counts the others. The counted ones may be from the load before.
        const isToldOrCounted = () =>
          stream.events.slice(read).some(({ event, id = "" }) => event === "many" || ids.has(id));
        await stream.until(() => stream.ended || isToldOrCounted());
        told += stream.events.filter(({ id = "" }) => ids.has(id)).length;
        if (told > 0) break;
      }
      tally.expect(told > 0, "the stream of one server does not have the changes of another");
      await deliver(part(0.4, 0.52), "side by side");

      // The way back: the newer server is killed at work, and a server of the old release is added.
      let added = kept;
      await deliverDuring(part(0.52, 1), "while a server was killed and another added", async () => {
        tally.fault();
        await newer.kill();
        added = await start();
      });
      tally.expect(balancer.answeredBy(added) > 0, "the server that was added took no event");
      for (const { acknowledged } of [direct, sender]) {
        await checkNothingLost(attacked.database, acknowledged.keys(), tally);
      }
      sender.close();
      direct.close();
      await checkStoredOnce(attacked.database, tally);
      await checkRows(attacked.database, organizationId, events, new Date(), tally);
    },
  };
}

/** The stream ends after twenty seconds, so the test also ends when the stream has no events. */
async function follow({ url }: ServerProcess, organizationId: string): Promise<StreamReader> {
  const response = await fetch(`${url}/api/organizations/${organizationId}/live`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    signal: AbortSignal.timeout(20_000),
  });
  expect(response.status).toBe(200);
  return new StreamReader(response);
}

test("four servers behind a balancer lose no event while one is replaced by the next release, one killed and one added", async () => {
  const { counts } = await expectToHold(neighbours(nextRelease({ "9001_more": EXPAND })));
  expect(counts.acknowledged).toBeGreaterThan(20);
  expect(counts.rowsCompared).toBeGreaterThan(0);
});
