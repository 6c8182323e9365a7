import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { WebhookEvent } from "../../oracle/index.js";
import { bodyOf } from "../../support/events.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import type { AttackDatabase } from "../runner/databases.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { type ServerProcess, signatureOf } from "../runner/server-process.js";
import { TcpProxy } from "./tcp-proxy.js";

/** Loses answers: the server does not learn of its commit, or the sender does not learn of its delivery. */
export function lostAnswers({ customers }: { readonly customers: number }): Attack {
  return {
    name: "lost-answers",
    describe:
      "Postgres' answer to a commit never arrives, or the sender disconnects before the server answers: the event is stored, its redelivery is a duplicate, and it is counted once.",
    run: (context) => run(context, customers),
  };
}

async function run(context: AttackContext, customers: number): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const proxy = await TcpProxy.inFrontOf(attacked.url);
  context.defer(() => proxy.close());
  const server = await context.startServer(attacked, { databaseUrl: proxy.urlOf(attacked.url) });
  let eaten = 0;
  for (const round of context.rounds()) {
    const salon = await addSalon(attacked, `${context.seed}-${round}`, customers);
    const sender = new Sender({ url: () => server.url, tally });
    for (const event of salon.events) {
      const trick = random.weighted({ none: 1, eat: 1, hangUp: 1 });
      if (trick !== "none") tally.fault();
      if (trick === "hangUp") await hangUp(server, event, random.int(0, 6));
      if (trick === "eat") eaten += await eatCommit(sender, proxy, event, attacked);
      else if ((await sender.deliver([event])) > 0) tally.broken(`${event.event_id} was never acknowledged`);
    }
    sender.close();
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
    await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
  }
  tally.figure("commits whose answer was lost", eaten);
}

/** Sends a whole delivery and disconnects, before or after the answer. */
async function hangUp(server: ServerProcess, event: WebhookEvent, afterMs: number): Promise<void> {
  const body = bodyOf(event);
  const socket = net.connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    `POST /webhooks/square HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `x-square-hmacsha256-signature: ${signatureOf(body)}\r\n\r\n${body}`,
  );
  await wait(afterMs);
  socket.resetAndDestroy();
}

/** @returns 1, or 0 when the event was answered because another transaction's answer was lost */
async function eatCommit(
  sender: Sender,
  proxy: TcpProxy,
  event: WebhookEvent,
  { database }: AttackDatabase,
): Promise<number> {
  proxy.eatCommitAnswers(1);
  const first = await sender.once(event);
  proxy.eatCommitAnswers(0);
  if (first?.status === 200) return 0;
  const { rowCount } = await database.pool.query("select from webhook_events where event_id = $1", [
    event.event_id,
  ]);
  await sender.deliver([event]);
  const { tally } = sender.options;
  tally.expect(rowCount === 1, `${event.event_id}: the commit was passed on, and the event is not stored`);
  const second = sender.acknowledged.get(event.event_id);
  tally.expect(second === "duplicate", `${event.event_id}: the redelivery was answered ${second}`);
  return 1;
}
