import { once } from "node:events";
import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../../../src/simulator/random.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNothingLost } from "../runner/checks.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import type { ServerProcess } from "../runner/server-process.js";
import { HealthWatch } from "./health-watch.js";

/**
 * A request must arrive within 30 seconds. Connections are checked every 5 seconds. The rest is for a busy machine.
 */
const CUT_WITHIN_MS = 45_000;

const post = (headers: string) =>
  `POST /webhooks/square HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}`;

/** What a client sends first, and what it adds repeatedly until it is disconnected. */
const manners: readonly { readonly first: string; readonly drip: string }[] = [
  { first: "", drip: "" },
  { first: "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ", drip: "a" },
  { first: post("content-length: 5000\r\n\r\n"), drip: " " },
  { first: post("transfer-encoding: chunked\r\n\r\n"), drip: "1\r\nx\r\n" },
  { first: `${post("content-length: 60000\r\n\r\n")}${" ".repeat(59_000)}`, drip: "" },
  { first: `${post("content-length: 1048576\r\n\r\n")}${" ".repeat(1_048_000)}`, drip: "" },
];

interface Options {
  readonly clients: number;
  /** Whether the attack waits until every slow client is disconnected. */
  readonly untilCut: boolean;
}

/** Many clients never end their request, while others deliver events. */
export function slowClients(options: Options): Attack {
  return {
    name: "slow-clients",
    describe:
      "Hundreds of clients send nothing, a byte now and then, or a megabyte without its last bytes: events and /healthz are answered meanwhile, slow clients are disconnected after half a minute, and memory stays bounded.",
    run: (context) => run(context, options),
  };
}

async function run(context: AttackContext, { clients, untilCut }: Options): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const server = await context.startServer(attacked);
  const before = (await server.memory()).rss;
  for (const round of context.rounds()) {
    const health = new HealthWatch(() => server.url, tally);
    const started = performance.now();
    const slow = Array.from({ length: clients }, () => openSlow(server, random));
    tally.fault(clients);
    const salon = await addSalon(attacked, `${context.seed}-${round}`, 3);
    const sender = new Sender({ url: () => server.url, tally, patience: 20_000 });
    tally.expect((await sender.deliver(salon.events)) === 0, "slow clients kept events out");
    sender.close();
    const grown = ((await server.memory()).rss - before) / 2 ** 20;
    tally.peak("memory grown by MiB", grown);
    tally.expect(grown < 250, `${clients} slow clients took ${Math.round(grown)} MiB`);
    if (untilCut) {
      const cut = Promise.all(slow.map(({ closed }) => closed));
      await Promise.race([
        cut,
        wait(CUT_WITHIN_MS - (performance.now() - started), undefined, { ref: false }),
      ]);
      const still = slow.filter(({ socket }) => !socket.destroyed).length;
      tally.expect(still === 0, `${still} slow clients are still connected after ${CUT_WITHIN_MS / 1000} s`);
    }
    for (const { socket } of slow) socket.destroy();
    await health.stop();
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
  }
}

function openSlow(server: ServerProcess, random: Random) {
  const { first, drip } = random.pick(manners);
  const socket = net.connect(server.port, "127.0.0.1");
  socket.on("error", () => {}).resume();
  if (first !== "") socket.write(first);
  const timer = setInterval(() => socket.write(drip), random.int(300, 2_000));
  if (drip === "") clearInterval(timer);
  const closed = once(socket, "close").then(() => clearInterval(timer));
  socket.once("end", () => socket.destroy());
  return { socket, closed };
}
