/** A story: what happens at a small salon, how its messages are delivered, and the sweeps afterwards. */
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
   * What can be read from Square: nothing (then there is no token, and no event is lost), its lists, or also its
   * events. It is the same for both organizations.
   */
  readonly square: "nothing" | "lists" | "lists and events";
  /** Hours between the end of the story and the sweep. */
  readonly waitHours: number;
  readonly sweep: "recent" | "full";
}

/** A story has fewer messages, so any order is possible. */
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
  // Half of all commands are about profiles, because most faults begin with a merge.
  { weight: 6, arbitrary: fc.oneof(...profileCommands) },
  { weight: 2, arbitrary: fc.oneof(...bookingCommands) },
  { weight: 2, arbitrary: fc.oneof(...moneyCommands) },
  { weight: 2, arbitrary: fc.oneof(...bookingCommands, ...moneyCommands, ...houseCommands) },
  { weight: 1, arbitrary: fc.oneof(...deliveryCommands) },
);

const step: fc.Arbitrary<Step> = fc.record({ command, fates: fc.array(fate, { maxLength: 4, size: "max" }) });

export const stories: fc.Arbitrary<Story> = fc.record({
  // By default fast-check makes short lists more often than long ones.
  steps: fc.noBias(fc.array(step, { minLength: 1, maxLength: 30, size: "max" })),
  square: oneOf("nothing", "lists", "lists", "lists and events"),
  waitHours: oneOf(1, 20, 1_000, 2_400),
  sweep: oneOf("recent", "full"),
});
