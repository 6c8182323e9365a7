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
): fc.Arbitrary<Command> {
  return fc.record<Parameters>(parameters).map((given) => (world: StoryWorld) => run(world, given));
}

/** One of several, the first of which is the simplest. */
export function oneOf<const Item>(...items: readonly Item[]): fc.Arbitrary<Item> {
  return fc.constantFrom(...items);
}

/** Which one of those that there are when the command runs: the first, the second, ... and around again. */
export const nth = fc.nat(3);
