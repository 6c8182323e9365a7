import fc from "fast-check";
import type { Command, StoryWorld } from "./world.js";

type Arbitraries<Parameters> = { readonly [Name in keyof Parameters]: fc.Arbitrary<Parameters[Name]> };

/**
 * Defines a kind of command.
 *
 * @param run changes Square and returns a sentence about the change. When Square would not allow the change, it
 *   changes
 *   nothing and returns undefined
 */
export function command<Parameters extends object>(
  parameters: Arbitraries<Parameters>,
  run: (world: StoryWorld, given: Parameters) => string | undefined,
): CommandKind<Parameters> {
  const having = (given: Parameters) => (world: StoryWorld) => run(world, given);
  return { arbitrary: fc.record<Parameters>(parameters).map(having), having };
}

interface CommandKind<Parameters> {
  readonly arbitrary: fc.Arbitrary<Command>;
  /** The command with fixed values, for known stories. */
  having(given: Parameters): Command;
}

/** One of several values. The first is the simplest. */
export function oneOf<const Item>(...items: readonly Item[]): fc.Arbitrary<Item> {
  return fc.constantFrom(...items);
}

/** The index of one of the existing items. It wraps around. */
export const nth = fc.nat(3);
