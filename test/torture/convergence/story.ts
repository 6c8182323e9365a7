/** A story: what happens at a small salon, and how Square's messages about it reach us. */
import fc from "fast-check";
import { bookingCommands } from "./appointments.js";
import { oneOf } from "./command.js";
import { houseCommands } from "./house.js";
import { moneyCommands } from "./money.js";
import { profileCommands } from "./profiles.js";
import type { Command } from "./world.js";

/** What becomes of one message. The plainest: it comes once, in its place, alone, to the first server. */
export interface Fate {
  readonly lost: boolean;
  /** How many further messages overtake it. */
  readonly delay: number;
  /** How many messages later it comes again; null for never. */
  readonly again: number | null;
  readonly server: number;
  /** It comes together with the delivery before it. */
  readonly joins: boolean;
}

export const PLAIN: Fate = { lost: false, delay: 0, again: null, server: 0, joins: false };

/** A while in which nothing came through. */
interface Outage {
  readonly from: number;
  readonly messages: number;
}

export interface Story {
  readonly commands: readonly Command[];
  /** All messages of it are lost, as far as Square can be asked for them; null for none. */
  readonly outage: Outage | null;
  /** By message; those beyond the list have the plainest. */
  readonly fates: readonly Fate[];
  /**
   * What Square can be asked: nothing, since there is no token, and then nothing is lost; its lists; or also its events. The
   * organization that got all in order is asked for the same.
   */
  readonly square: "nothing" | "lists" | "lists and events";
  /** After so many deliveries Square is asked for the first time; null for only at the end. */
  readonly pullAfter: number | null;
  /** How far Square's lists are behind at the first time, in minutes. */
  readonly lagMinutes: number;
  /** How long after the story the sweep comes, in hours. */
  readonly waitHours: number;
  readonly sweep: "recent" | "full";
}

/** Longer than a story has messages, so that any order can come about. */
const LONGEST_DELAY = 60;

const fate: fc.Arbitrary<Fate> = fc.record({
  lost: oneOf(false, false, false, false, true),
  delay: fc.oneof(fc.constant(0), fc.nat(4), fc.nat(LONGEST_DELAY)),
  again: fc.oneof(
    { withCrossShrink: true },
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.nat(LONGEST_DELAY) },
  ),
  server: fc.nat(2),
  joins: fc.boolean(),
});

const commands: fc.Arbitrary<Command> = fc.oneof(
  // Half of all commands are about profiles: most of what can go wrong begins with a merge.
  { weight: 3, arbitrary: fc.oneof(...profileCommands) },
  { weight: 1, arbitrary: fc.oneof(...bookingCommands) },
  { weight: 1, arbitrary: fc.oneof(...moneyCommands) },
  { weight: 1, arbitrary: fc.oneof(...bookingCommands, ...moneyCommands, ...houseCommands) },
);

/** Left to itself, fast-check makes short lists more often than long ones. */
const evenly = fc.noBias;

export const stories: fc.Arbitrary<Story> = fc.record({
  commands: evenly(fc.array(commands, { minLength: 1, maxLength: 24, size: "max" })),
  outage: fc.option(fc.record({ from: fc.nat(20), messages: fc.nat(20) }), { nil: null, freq: 2 }),
  fates: evenly(fc.array(fate, { maxLength: 45, size: "max" })),
  square: oneOf("nothing", "lists", "lists", "lists and events"),
  pullAfter: fc.option(fc.nat(30), { nil: null, freq: 1 }),
  lagMinutes: oneOf(0, 4),
  waitHours: oneOf(1, 20, 1_000, 4_000),
  sweep: oneOf("recent", "full"),
});
