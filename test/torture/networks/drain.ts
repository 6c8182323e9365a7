import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Database } from "../../../src/database/database.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost, checkRows } from "../runner/checks.js";
import { type AttackSalon, addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import type { ServerProcess } from "../runner/server-process.js";
import { TcpProxy } from "./tcp-proxy.js";

/** A stop takes ten seconds at most. One more second is for a busy machine. */
const STOPPED_WITHIN_MS = 11_000;

/**
 * What clients send before they fall silent: nothing, half a head, half a body, a request whose answer nobody reads.
 */
const nuisances = [
  "",
  "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slo",
  "POST /webhooks/square HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
  "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
];

interface Options {
  readonly customers: number;
  /** The database stops answering in the last of every so many rounds. By default it always answers. */
  readonly frozenEvery?: number;
}

/** Stops servers in the middle of their work, with bad clients and sometimes without a database. */
export function drain(options: Options): Attack {
  return {
    name: "drain",
    describe:
      "SIGTERM under load, while other clients hold connections open or send half a request: the server finishes what it took and exits with 0 within 10 s. If the database does not answer, the server also ends within 10 s, with 1 if it gave up.",
    run: (context) => run(context, options),
  };
}

async function run(context: AttackContext, { customers, frozenEvery = 0 }: Options): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const proxy = await TcpProxy.inFrontOf(attacked.url);
  context.defer(() => proxy.close());
  const databaseUrl = proxy.urlOf(attacked.url);
  const salon = await addSalon(attacked, context.seed, customers);
  const acknowledged = new Set<string>();
  /** Events that a server committed and did not answer because it gave up. */
  const excused = new Set<string>();

  for (const round of context.rounds()) {
    const server = await context.startServer(attacked, { databaseUrl });
    const sockets = nuisances.map((bytes) => nuisance(server, bytes));
    const isFrozen = frozenEvery > 0 && round % frozenEvery === frozenEvery - 1;
    const { sender, delivering } = load(context, server, salon);
    await wait(random.int(100, 700));
    if (isFrozen) proxy.setWeather({ kind: "silent" });
    if (isFrozen) await wait(50);
    tally.fault();
    const before = sender.acknowledged.size;
    const { code, ms } = await server.stop();
    // With a frozen database the server gives up, or it has answered everybody with 503.
    tally.expect(
      code === 0 || (isFrozen && code === 1),
      `stopped with ${code}${isFrozen ? ", database frozen" : ""}`,
    );
    tally.expect(ms < STOPPED_WITHIN_MS, `stopping took ${ms} ms`);
    tally.peak(isFrozen ? "slowest stop, database frozen, ms" : "slowest stop ms", ms);
    await delivering;
    for (const socket of sockets) socket.destroy();
    proxy.reset();
    proxy.setWeather({ kind: "fair" });
    for (const id of sender.acknowledged.keys()) acknowledged.add(id);
    await checkNothingLost(attacked.database, acknowledged, tally);
    const answeredLate = sender.acknowledged.size - before;
    tally.figure("answers after SIGTERM", Number(tally.figures["answers after SIGTERM"] ?? 0) + answeredLate);
    const unanswered = await storedBut(attacked.database, [...acknowledged, ...excused]);
    if (isFrozen) for (const id of unanswered) excused.add(id);
    else tally.expect(unanswered.length === 0, `${unanswered.length} events were taken and never answered`);
  }
  await redeliver(context, salon, attacked);
}

/** The ids of all other stored events. */
async function storedBut({ pool }: Database, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ event_id: string }>(
    "select event_id from webhook_events where event_id <> all ($1)",
    [ids],
  );
  return rows.map(({ event_id }) => event_id);
}

/** Delivers each event once. Most find a stopping server, or none. */
function load(context: AttackContext, server: ServerProcess, { events }: AttackSalon) {
  const sender = new Sender({ url: () => server.url, tally: context.tally, patience: 0, connections: 24 });
  const from = context.random.int(0, events.length - 1);
  const delivering = sender
    .deliver([...events.slice(from), ...events.slice(0, from)])
    .then(() => sender.close());
  return { sender, delivering };
}

/** Delivers all events until they are acknowledged, as Square does, and compares every row. */
async function redeliver(
  context: AttackContext,
  salon: AttackSalon,
  attacked: Awaited<ReturnType<AttackContext["openDatabase"]>>,
): Promise<void> {
  const server = await context.startServer(attacked);
  const sender = new Sender({ url: () => server.url, tally: context.tally });
  context.tally.expect((await sender.deliver(salon.events)) === 0, "events were never acknowledged");
  sender.close();
  await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), context.tally);
}

function nuisance(server: ServerProcess, bytes: string): net.Socket {
  const socket = net.connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  if (bytes !== "") socket.write(bytes);
  return socket.pause();
}
