/** A story: what happens at a small salon, how the messages about it reach us, and the sweep that comes after. */
import fc from "fast-check";
import { bookingCommands } from "./appointments.js";
import { oneOf } from "./command.js";
import { deliveryCommands, houseCommands } from "./house.js";
import { moneyCommands } from "./money.js";
import { profileCommands } from "./profiles.js";
import type { Command, Fate, Step } from "./world.js";

export interface Story {
  readonly steps: readonly Step[];
  /**
   * What Square can be asked: nothing, since there is no token, and then nothing is lost; its lists; or also its events. The
   * organization that got all in order is asked for the same.
   */
  readonly square: "nothing" | "lists" | "lists and events";
  /** How long after the story the sweep comes, in hours. */
  readonly waitHours: number;
  readonly sweep: "recent" | "full";
}

/** Longer than a story has messages, so that any order can come about. */
const LONGEST_DELAY = 60;

const fate: fc.Arbitrary<Fate> = fc.record({
  lost: oneOf(false, false, false, false, false, true),
  delay: fc.oneof(fc.constant(0), fc.nat(4), fc.nat(LONGEST_DELAY)),
  again: fc.option(fc.nat(LONGEST_DELAY), { nil: null, freq: 2 }),
  server: fc.nat(2),
  joins: fc.boolean(),
  leavesOut: oneOf(undefined, undefined, undefined, "version", "version", "profile"),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  // Half of all commands are about profiles: most of what can go wrong begins with a merge.
  { weight: 6, arbitrary: fc.oneof(...profileCommands) },
  { weight: 2, arbitrary: fc.oneof(...bookingCommands) },
  { weight: 2, arbitrary: fc.oneof(...moneyCommands) },
  { weight: 2, arbitrary: fc.oneof(...bookingCommands, ...moneyCommands, ...houseCommands) },
  { weight: 1, arbitrary: fc.oneof(...deliveryCommands) },
);

const step: fc.Arbitrary<Step> = fc.record({ command, fates: fc.array(fate, { maxLength: 4, size: "max" }) });

export const stories: fc.Arbitrary<Story> = fc.record({
  // Left to itself, fast-check makes short lists more often than long ones.
  steps: fc.noBias(fc.array(step, { minLength: 1, maxLength: 30, size: "max" })),
  square: oneOf("nothing", "lists", "lists", "lists and events"),
  waitHours: oneOf(1, 20, 1_000, 2_400),
  sweep: oneOf("recent", "full"),
});
