import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../../../src/simulator/random.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { checkNoLocksLeft, checkNothingLost, checkRows } from "../runner/checks.js";
import { addSalon } from "../runner/salon.js";
import { Sender } from "../runner/sender.js";
import { HealthWatch } from "./health-watch.js";
import { TcpProxy } from "./tcp-proxy.js";

/** Disturbs the network for a while and then repairs it. */
type Fault = (proxy: TcpProxy, random: Random) => Promise<void>;

const during = async (proxy: TcpProxy, weather: Parameters<TcpProxy["setWeather"]>[0], ms: number) => {
  proxy.setWeather(weather);
  await wait(ms);
  proxy.setWeather({ kind: "fair" });
};

const faults = {
  delay: (proxy, random) =>
    during(proxy, { kind: "slow", delayMs: random.int(5, 150) }, random.int(300, 3_000)),
  trickle: (proxy, random) =>
    during(proxy, { kind: "trickle", bytes: random.int(1, 40), everyMs: 1 }, random.int(300, 2_000)),
  reset: async (proxy) => proxy.reset(),
  refuse: async (proxy, random) => {
    proxy.setWeather({ kind: "closed" });
    proxy.reset();
    await wait(random.int(100, 1_500));
    proxy.setWeather({ kind: "fair" });
  },
  pause: (proxy, random) => during(proxy, { kind: "silent" }, random.int(200, 3_000)),
  /** Longer than the eight seconds that a statement has. */
  silence: (proxy, random) => during(proxy, { kind: "silent" }, random.int(8_500, 11_000)),
  "half-open": async (proxy) => proxy.halfOpen(),
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** Disturbs the connection to Postgres while events arrive. Every event must be counted exactly once. */
export function badNetwork(weights: Partial<Record<FaultName, number>>, customers: number): Attack {
  return {
    name: "bad-network",
    describe:
      "The connection to Postgres is delayed, trickled, reset, refused, silent or half-open under load: nothing acknowledged is lost, every row is right, /healthz answers.",
    share: 2,
    run: (context) => run(context, weights, customers),
  };
}

async function run(
  context: AttackContext,
  weights: Partial<Record<FaultName, number>>,
  customers: number,
): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  const proxy = await TcpProxy.inFrontOf(attacked.url);
  context.defer(() => proxy.close());
  const server = await context.startServer(attacked, { databaseUrl: proxy.urlOf(attacked.url) });
  const health = new HealthWatch(() => server.url, tally);
  context.defer(() => health.stop());

  for (const round of context.rounds()) {
    const salon = await addSalon(attacked, `${context.seed}-${round}`, customers);
    const sender = new Sender({ url: () => server.url, tally, patience: 90_000 });
    let delivered = false;
    const delivering = sender.deliver(salon.events).finally(() => {
      delivered = true;
    });
    while (!delivered && (round === 0 || context.remaining() > 0)) {
      await wait(random.int(50, 400));
      tally.fault();
      await faults[random.weighted(weights)](proxy, random);
    }
    const never = await delivering;
    sender.close();
    tally.expect(never === 0, `${never} events were never acknowledged, although the network had recovered`);
    await checkNothingLost(attacked.database, sender.acknowledged.keys(), tally);
    await checkRows(attacked.database, salon.organizationId, salon.events, new Date(), tally);
    context.log(`round ${round + 1}: ${salon.events.length} events, ${JSON.stringify(sender.statuses)}`);
  }
  proxy.reset();
  await checkNoLocksLeft(attacked.database, tally);
}
