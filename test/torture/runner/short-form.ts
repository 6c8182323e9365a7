/** Runs an attack as a test: a few rounds on a copy of the tests' migrated database, with a fixed seed. */
import { expect, inject, test } from "vitest";
import { skipUnlessRequired } from "../../support/skip.js";
import type { Attack } from "./attack.js";
import { Databases } from "./databases.js";
import { runAttack } from "./run.js";
import type { Tally } from "./tally.js";

/**
 * Runs the attack. It fails with the broken promises and the seed.
 *
 * @returns the counts, so that a test can check that the attack attacked
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

/** The promise, the attack on it, and the lowest counts and figures of a real attack. */
export type ShortForm = readonly [
  promise: string,
  attack: Attack,
  atLeast: Readonly<Record<string, number>>,
  options?: { readonly rounds?: number; readonly unless?: string | undefined },
];

/** Defines one test for each attack. */
export function testAttacks(forms: readonly ShortForm[]): void {
  test.for(forms)(
    "%s",
    { timeout: 300_000 },
    async ([, attack, atLeast, { rounds = 1, unless } = {}], context) => {
      skipUnlessRequired(context, unless);
      const { counts, figures } = await expectToHold(attack, { rounds });
      const counted: Readonly<Record<string, number | string | undefined>> = { ...counts, ...figures };
      for (const [name, least] of Object.entries(atLeast)) {
        expect(Number(counted[name] ?? 0), name).toBeGreaterThanOrEqual(least);
      }
    },
  );
}
