/** What an attack is, and what it gets to work with. */
import type { Random } from "../../../src/simulator/random.js";
import type { AttackDatabase } from "./databases.js";
import type { ServerOptions, ServerProcess } from "./server-process.js";
import type { Tally } from "./tally.js";

export interface Attack {
  /** Kebab-case; what --only takes. */
  readonly name: string;
  /** One sentence: what is done to the system, and what must hold all the same. */
  readonly describe: string;
  /** Its part of the time beside the others'; 1 unless given. */
  readonly share?: number;
  /** Breaks of promises go into the tally; what is thrown counts as one, too. */
  run(context: AttackContext): Promise<void>;
}

export interface AttackContext {
  /** The same seed makes the same attack, as far as clocks and processes allow. */
  readonly seed: string;
  /** Drawn from the seed and the attack's name. */
  readonly random: Random;
  readonly tally: Tally;
  log(line: string): void;
  /** Milliseconds until the attack's time is over; 0 from then on, and once the run is interrupted. */
  remaining(): number;
  /**
   * Counts rounds: 0, 1, 2 ... for as long as there is time and no more than `atMost`; the first is always given. A
   * short form, in the tests, has a fixed number of rounds and no clock.
   */
  rounds(atMost?: number): Iterable<number>;
  /** A migrated database of its own, dropped after the attack. */
  openDatabase(): Promise<AttackDatabase>;
  /** `regulars serve` in a process of its own, killed at the latest after the attack. */
  startServer(database: AttackDatabase, options?: ServerOptions): Promise<ServerProcess>;
  /** Runs after the attack, whatever became of it; the last one given runs first. */
  defer(cleanUp: () => unknown): void;
}
