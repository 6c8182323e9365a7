/** How the messages of a story come in: which are lost, which come twice, in what order, together with which, and where. */
import { type Fate, PLAIN, type Story } from "./story.js";
import type { Message, StoryWorld } from "./world.js";

export interface Delivery {
  readonly message: Message;
  readonly server: number;
}

export interface Plan {
  /** Deliveries that come together. */
  readonly bursts: readonly (readonly Delivery[])[];
  /** Square is asked after so many bursts; null for only at the end. */
  readonly pullAfter: number | null;
  /** One line for each delivery, pull and loss. */
  readonly lines: readonly string[];
}

interface Due extends Delivery {
  readonly position: number;
  readonly joins: boolean;
  readonly note: string;
}

/** Lays out the deliveries of what a story told. */
export function planOf(story: Story, world: StoryWorld): Plan {
  const asks = story.square !== "nothing" && !world.revoked;
  const due: Due[] = [];
  const lost: string[] = [];
  for (const [index, message] of world.messages.entries()) {
    const fate = story.fates[index] ?? PLAIN;
    const drops = fate.lost || isIn(story.outage, index);
    if (asks && drops && mayBeLost(message, story, world)) lost.push(`never:    ${message.text}`);
    else due.push(...deliveriesOf(message, index, fate));
  }
  due.sort((a, b) => a.position - b.position);
  const bursts: Due[][] = [];
  for (const delivery of due) {
    const last = bursts.at(-1);
    if (last && delivery.joins) last.push(delivery);
    else bursts.push([delivery]);
  }
  const pullAfter = asks && story.pullAfter !== null ? Math.min(story.pullAfter, bursts.length) : null;
  return { bursts, pullAfter, lines: [...linesOf(bursts, pullAfter, story), ...lost] };
}

function isIn(outage: Story["outage"], index: number): boolean {
  return outage !== null && index >= outage.from && index < outage.from + outage.messages;
}

/** Two messages with the same position keep their order. */
function deliveriesOf(message: Message, index: number, { delay, again, server, joins }: Fate): Due[] {
  const first = { message, server, joins, position: index + delay, note: "" };
  if (again === null || message.referral) return [first];
  const other = { message, server: (server + 1) % 3, joins: false, position: first.position + again };
  return [first, { ...other, note: " again" }];
}

function linesOf(bursts: readonly (readonly Due[])[], pullAfter: number | null, story: Story): string[] {
  const pull = `pull:     Square is asked${story.lagMinutes ? `, its lists ${story.lagMinutes} minutes behind` : ""}`;
  return bursts.flatMap((burst, index) => [
    ...(index === pullAfter ? [pull] : []),
    ...burst.map(({ message, server, note }, at) => {
      const together = at > 0 ? "  with it:" : "deliver:  ";
      return `${together}${at > 0 ? "  " : ""}${message.text} to server ${server + 1}${note}`;
    }),
    ...(index + 1 === bursts.length && pullAfter === bursts.length ? [pull] : []),
  ]);
}

/**
 * Whether Square can still be asked for what an event said. Square's event search tells all. Without it
 *
 * - merges of a profile that was deleted later can be looked up nowhere: every id of them is NOT_FOUND;
 * - an instant profile, of which nothing is known, stands in no search, only in the list of all.
 *
 * These are the limits of what a sweep can bring back, and docs/reliability.md says so.
 */
function mayBeLost({ event }: Message, story: Story, world: StoryWorld): boolean {
  if (!event) return false;
  const { customer, event_context } = event.data.object ?? {};
  if (!customer || story.square === "lists and events") return true;
  const ids = [customer.id, ...(event_context?.merge.from_customer_ids ?? [])];
  if (ids.some((id) => wasMerged(world, id) && !answers(world, id))) return false;
  return story.sweep === "full" || ids.every((id) => isListed(world, id));
}

function wasMerged({ truth }: StoryWorld, id: string): boolean {
  return truth.merges.some((merge) => merge.from_customer_id === id || merge.to_customer_id === id);
}

/** Whether a retrieval by this id finds anybody, itself or who survived it. */
function answers(world: StoryWorld, id: string): boolean {
  if (world.truth.customers.has(id)) return true;
  const merge = world.truth.merges.findLast(({ from_customer_id }) => from_customer_id === id);
  return merge !== undefined && merge.recovered_version === null && answers(world, merge.to_customer_id);
}

function isListed({ truth }: StoryWorld, id: string): boolean {
  const profile = truth.customers.get(id) ?? truth.deletedCustomers.get(id);
  return profile?.given_name !== undefined;
}
