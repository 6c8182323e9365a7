/** An attack, and the parts that it works with. */
import type { Random } from "../../../src/simulator/random.js";
import type { AttackDatabase } from "./databases.js";
import type { ServerOptions, ServerProcess } from "./server-process.js";
import type { Tally } from "./tally.js";

export interface Attack {
  /** In kebab-case, as --only expects it. */
  readonly name: string;
  /** One sentence: what is done to the system, and what must still hold. */
  readonly describe: string;
  /** Its share of the time, relative to the others. The default is 1. */
  readonly share?: number;
  /** Notes broken promises in the tally. A thrown error is a broken promise too. */
  run(context: AttackContext): Promise<void>;
}

export interface AttackContext {
  /** The same seed makes the same attack, as far as clocks and processes allow. */
  readonly seed: string;
  /** Made from the seed and the attack's name. */
  readonly random: Random;
  readonly tally: Tally;
  log(line: string): void;
  /** Milliseconds until the attack's time is over: 0 afterwards, and after an interruption. */
  remaining(): number;
  /**
   * Yields 0, 1, 2 ... while there is time: at least one round, and at most `atMost`. A short form in the tests has a
   * fixed number of rounds and no time limit.
   */
  rounds(atMost?: number): Iterable<number>;
  /** Opens a new, migrated database. It is dropped after the attack. */
  openDatabase(): Promise<AttackDatabase>;
  /** Starts `regulars serve` in its own process. It is killed after the attack at the latest. */
  startServer(database: AttackDatabase, options?: ServerOptions): Promise<ServerProcess>;
  /** Runs after the attack, even a failed one. The last one given runs first. */
  defer(cleanUp: () => unknown): void;
}
