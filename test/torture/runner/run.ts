import { setTimeout as wait } from "node:timers/promises";
import { Random } from "../../../src/simulator/random.js";
import type { Attack, AttackContext } from "./attack.js";
import type { Databases } from "./databases.js";
import { ServerProcess } from "./server-process.js";
import { Tally } from "./tally.js";

/** How long an attack may take after its time to end its last round and to compare. */
const GRACE_MS = 180_000;

/** How long an attack lasts: until an instant of `performance.now()`, or for a number of rounds. */
export type Extent = { readonly until: number } | { readonly rounds: number };

export interface AttackResult {
  readonly name: string;
  readonly seconds: number;
  readonly tally: Tally;
}

export interface RunOptions {
  readonly seed: string;
  readonly extent: Extent;
  readonly databases: Databases;
  readonly log: (line: string) => void;
  /** Ends the rounds early. The current round is finished and compared. */
  readonly interrupted?: AbortSignal;
}

/** Runs one attack and cleans up. It never throws: a failure of the attack itself is a broken promise. */
export async function runAttack(attack: Attack, options: RunOptions): Promise<AttackResult> {
  const started = performance.now();
  const tally = new Tally();
  const cleanUps: (() => unknown)[] = [];
  try {
    const context = contextOf(attack, options, tally, (cleanUp) => cleanUps.push(cleanUp));
    await withinTime(attack.run(context), options.extent);
  } catch (error) {
    tally.broken(
      `the attack failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  for (const cleanUp of cleanUps.toReversed()) {
    try {
      await cleanUp();
    } catch (error) {
      tally.broken(`could not clean up: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { name: attack.name, seconds: (performance.now() - started) / 1000, tally };
}

function contextOf(
  attack: Attack,
  { seed, extent, databases, log, interrupted }: RunOptions,
  tally: Tally,
  defer: AttackContext["defer"],
): AttackContext {
  const remaining = () => {
    if (interrupted?.aborted) return 0;
    return "until" in extent ? Math.max(0, extent.until - performance.now()) : Number.POSITIVE_INFINITY;
  };
  return {
    seed,
    random: new Random(`${attack.name} ${seed}`),
    tally,
    log,
    remaining,
    *rounds(atMost = Number.POSITIVE_INFINITY) {
      const most = "rounds" in extent ? Math.min(extent.rounds, atMost) : atMost;
      for (let round = 0; round < most && (round === 0 || remaining() > 0); round += 1) yield round;
    },
    async openDatabase() {
      const opened = await databases.open();
      defer(opened.remove);
      return opened;
    },
    async startServer(database, serverOptions) {
      const server = await ServerProcess.start(database.url, serverOptions);
      defer(() => server.kill());
      return server;
    },
    defer,
  };
}

/** An attack that hangs must not stop the others. */
async function withinTime(running: Promise<void>, extent: Extent): Promise<void> {
  if ("rounds" in extent) return running;
  const over = new AbortController();
  const tooLong = wait(Math.max(0, extent.until - performance.now()) + GRACE_MS, "late", {
    signal: over.signal,
    ref: false,
  }).catch(() => "over");
  const ended = await Promise.race([running.then(() => "ended"), tooLong]);
  over.abort();
  if (ended === "late") throw new Error(`it did not end within ${GRACE_MS / 1000} s after its time`);
}

/** Runs attacks one after the other within the time, each with its share of what is left. */
export async function runAll(
  attacks: readonly Attack[],
  options: Omit<RunOptions, "extent"> & { readonly minutes: number },
): Promise<AttackResult[]> {
  const until = performance.now() + options.minutes * 60_000;
  const results: AttackResult[] = [];
  for (const [index, attack] of attacks.entries()) {
    if (options.interrupted?.aborted) break;
    const left = attacks.slice(index).reduce((sum, { share = 1 }) => sum + share, 0);
    const now = performance.now();
    const slice = (Math.max(0, until - now) * (attack.share ?? 1)) / left;
    options.log(`${attack.name}: ${attack.describe}`);
    const log = (line: string) => options.log(`  ${line}`);
    const result = await runAttack(attack, { ...options, log, extent: { until: now + slice } });
    results.push(result);
    for (const line of result.tally.brokenPromises) log(`BROKEN ${line}`);
  }
  return results;
}
