/** Runs an attack as a test: a few rounds on a copy of the tests' migrated database, with a seed that stays. */
import { expect, inject } from "vitest";
import type { Attack } from "./attack.js";
import { Databases } from "./databases.js";
import { runAttack } from "./run.js";
import type { Tally } from "./tally.js";

/**
 * Fails with every promise that did not hold, and the seed.
 *
 * @returns the counts, for a test that wants to see that the attack did attack
 */
export async function expectToHold(attack: Attack, { rounds = 1, seed = "short form" } = {}): Promise<Tally> {
  const databases = new Databases(`${inject("databasePrefix")}_template`);
  const log: string[] = [];
  const { tally } = await runAttack(attack, {
    seed,
    extent: { rounds },
    databases,
    log: (line) => log.push(line),
  });
  expect(tally.brokenPromises, `${attack.name}, seed ${seed}\n${log.join("\n")}`).toEqual([]);
  return tally;
}
