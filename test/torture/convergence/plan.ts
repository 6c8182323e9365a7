/** The plan of a story's deliveries: which are lost or repeated, their order, their groups, and their servers. */
import type { PaymentJson } from "../../../src/simulator/objects.js";
import type { Story } from "./story.js";
import type { Message, StoryWorld } from "./world.js";

export interface Delivery {
  readonly message: Message;
  readonly server: number;
}

export interface Plan {
  /** Groups of deliveries that arrive at the same time. */
  readonly bursts: readonly (readonly Delivery[])[];
  readonly lost: number;
  /** One line for each delivery and each loss. */
  readonly lines: readonly string[];
}

interface Due extends Delivery {
  readonly position: number;
  readonly joins: boolean;
  readonly note: string;
}

/** Plans the deliveries of a story's messages. */
export function planOf(story: Story, world: StoryWorld): Plan {
  const due: Due[] = [];
  const lost: string[] = [];
  for (const [index, message] of world.messages.entries()) {
    // Pulls are left out when access is revoked, because no sweep can then read the same for the other organization.
    if (world.revoked && "pull" in message.news) continue;
    if (message.fate.lost && mayBeLost(message, story, world)) lost.push(`never:    ${message.text}`);
    else due.push(...deliveriesOf(message, index));
  }
  due.sort((a, b) => a.position - b.position);
  const bursts: Due[][] = [];
  for (const delivery of due) {
    const last = bursts.at(-1);
    if (last && delivery.joins) last.push(delivery);
    else bursts.push([delivery]);
  }
  return { bursts, lost: lost.length, lines: [...bursts.flatMap(linesOf), ...lost] };
}

/** Two messages with the same position keep their order. */
function deliveriesOf(message: Message, index: number): Due[] {
  const { delay, again, server, joins } = message.fate;
  if (!("event" in message.news)) return [{ message, server: 0, joins: false, position: index, note: "" }];
  const first = { message, server, joins, position: index + delay, note: "" };
  if (again === null) return [first];
  const copy = { message, server: (server + 1) % 3, joins: false, note: " again" };
  return [first, { ...copy, position: first.position + again }];
}

function linesOf(burst: readonly Due[]): string[] {
  return burst.map(({ message, server, note }, index) => {
    const together = index === 0 ? "deliver: " : "  with it:";
    return `${together} ${message.text}${"event" in message.news ? ` to server ${server + 1}${note}` : ""}`;
  });
}

/**
 * Whether a sweep can still read from Square what an event said. Square's event search has every event. Without it:
 *
 * - The merges of a profile that was deleted later are lost. Every id answers NOT_FOUND.
 * - An instant profile without any known field is in no search, only in the list of all profiles.
 * - A payment that changed without its `updated_at` is in no list of changes, only in the list of all payments.
 *
 * docs/reliability.md names these limits.
 */
function mayBeLost({ news }: Message, story: Story, world: StoryWorld): boolean {
  if (!("event" in news) || !world.asks || world.revoked) return false;
  const { customer, payment, event_context } = news.event.data.object ?? {};
  if (story.square === "lists and events") return true;
  if (payment) return story.sweep === "full" || movedItsTime(world, payment);
  if (!customer) return true;
  const ids = [customer.id, ...(event_context?.merge.from_customer_ids ?? [])];
  if (ids.some((id) => wasMerged(world, id) && !answers(world, id))) return false;
  return story.sweep === "full" || ids.every((id) => isListed(world, id));
}

function movedItsTime({ messages }: StoryWorld, { id, updated_at }: PaymentJson): boolean {
  const told = messages.flatMap(({ news }) => ("event" in news && news.event.data.object?.payment) || []);
  return told.filter((other) => other.id === id && other.updated_at === updated_at).length === 1;
}

function wasMerged({ truth }: StoryWorld, id: string): boolean {
  return truth.merges.some((merge) => merge.from_customer_id === id || merge.to_customer_id === id);
}

/** Whether a request for this id finds the profile or its survivor. */
function answers(world: StoryWorld, id: string): boolean {
  if (world.truth.customers.has(id)) return true;
  const merge = world.truth.merges.findLast(({ from_customer_id }) => from_customer_id === id);
  return merge !== undefined && merge.recovered_version === null && answers(world, merge.to_customer_id);
}

function isListed({ truth }: StoryWorld, id: string): boolean {
  const profile = truth.customers.get(id) ?? truth.deletedCustomers.get(id);
  return profile?.given_name !== undefined;
}
