import fc from "fast-check";
import type { Command, StoryWorld } from "./world.js";

type Arbitraries<Parameters> = { readonly [Name in keyof Parameters]: fc.Arbitrary<Parameters[Name]> };

/**
 * A kind of command.
 *
 * @param run does it at Square, and answers how it reads; answers undefined, and has done nothing, when Square would not
 *   let it happen
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
  /** The command that is told what to do, for stories that are known beforehand. */
  having(given: Parameters): Command;
}

/** One of several, the first of which is the simplest. */
export function oneOf<const Item>(...items: readonly Item[]): fc.Arbitrary<Item> {
  return fc.constantFrom(...items);
}

/** Which one of those that there are when the command runs: the first, the second, ... and around again. */
export const nth = fc.nat(3);
