import { addOrganization } from "../../../src/organizations/organizations.js";
import type { WebhookEvent } from "../../oracle/index.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import { HttpClient } from "../runner/http.js";
import { addSalon, tellsOfMerge } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { ADMIN_KEY, type ServerProcess } from "../runner/server-process.js";

const TWINS = 3;

/** Organizations with the same ids for everything. Each gets another part of the events. */
export function twinSalons({ customers }: { readonly customers: number }): Attack {
  return {
    name: "twin-salons",
    describe:
      "Three organizations with the same ids get different parts of one salon's events at the same time, while their rows are read and recomputed: no row of one holds anything of another.",
    run: (context) => run(context, customers),
  };
}

async function run(context: AttackContext, customers: number): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const server = await context.startServer(attacked);
  for (const round of context.rounds()) {
    const first = await addSalon(attacked, `${context.seed}-${round}`, customers);
    const salons = [first.organizationId];
    for (let twin = 1; twin < TWINS; twin++) {
      const merchantId = `${first.merchantId}-twin-${twin}`;
      salons.push((await addOrganization(attacked.database, { merchantId }, new Date())).id);
    }
    const heard = salons.map((_, twin) =>
      first.events
        .filter((event) => tellsOfMerge(event) || random.chance(0.6))
        .map((event) => (twin === 0 ? event : { ...event, merchant_id: `${first.merchantId}-twin-${twin}` })),
    );
    tally.fault(TWINS);
    const senders = heard.map(() => new Sender({ url: () => server.url, tally, connections: 6 }));
    const reading = readAll(context, server, salons, first.events);
    const never = await Promise.all(senders.map((sender, twin) => sender.deliver(heard[twin] ?? [])));
    await reading.stop();
    tally.expect(
      never.every((count) => count === 0),
      "events were never acknowledged",
    );
    for (const [twin, organizationId] of salons.entries()) {
      senders[twin]?.close();
      await checkNothingLost(attacked.database, senders[twin]?.acknowledged.keys() ?? [], tally);
      await checkRows(attacked.database, organizationId, heard[twin] ?? [], new Date(), tally);
    }
  }
}

/** Reads and recomputes customers of all organizations while events arrive. */
function readAll(
  { random, tally }: AttackContext,
  server: ServerProcess,
  salons: readonly string[],
  events: readonly WebhookEvent[],
) {
  const ids = events.flatMap(
    ({ data }) => data.object?.customer?.id ?? data.object?.booking?.customer_id ?? [],
  );
  const client = new HttpClient();
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  let stopped = false;
  const reading = (async () => {
    while (!stopped) {
      const path = `/api/organizations/${random.pick(salons)}/customers/${encodeURIComponent(random.pick(ids))}`;
      const recompute = random.chance(0.3);
      const request = {
        method: recompute ? "POST" : "GET",
        path: recompute ? `${path}/recompute` : path,
        headers,
      };
      const { status } = await client.send(server.url, request);
      tally.expect([200, 404].includes(status), `${request.method} of a customer answered ${status}`);
    }
  })();
  const stop = async () => {
    stopped = true;
    await reading;
    client.close();
  };
  return { stop };
}
