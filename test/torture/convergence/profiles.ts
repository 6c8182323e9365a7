/** Commands about profiles: create, edit, delete, recover, merge and unmerge them. */
import fc from "fast-check";
import type { CustomerJson, MergeContext } from "../../../src/simulator/objects.js";
import { seconds, trimmed } from "../../../src/simulator/wire-time.js";
import { command, nth, oneOf } from "./command.js";
import { people, survivors } from "./salon.js";
import type { StoryWorld } from "./world.js";

export const signUp = command(
  { many: nth, instant: oneOf(false, false, true) },
  (world, { many, instant }) => {
    const { customers, deletedCustomers } = world.truth;
    const strangers = people.filter((id) => !customers.has(id) && !deletedCustomers.has(id));
    const signing = strangers.slice(0, many + 1);
    for (const id of signing) world.ledger.putCustomer(newProfile(world, id, instant));
    if (signing.length === 0) return undefined;
    return `new profiles: ${signing.join(", ")}${instant ? ", instantly" : ""}`;
  },
);

function newProfile({ now }: StoryWorld, id: string, instant: boolean): CustomerJson {
  return {
    id,
    created_at: trimmed(now),
    updated_at: seconds(now),
    // An instant profile has a card and no name.
    ...(!instant && { given_name: id, email_address: `${id}@example.com` }),
    creation_source: instant ? "INSTANT_PROFILE" : "DIRECTORY",
    preferences: { email_unsubscribed: false },
    version: 0,
  };
}

const edits = {
  "a new name": (profile) => ({ ...profile, given_name: `${profile.id} the ${profile.version + 1}.` }),
  "no e-mail address": ({ email_address: _cleared, ...rest }) => rest,
  "a birthday": (profile) => ({ ...profile, birthday: "0000-02-29" }),
  "a group": (profile) => ({ ...profile, group_ids: ["REGULARS"] }),
} satisfies Record<string, (profile: CustomerJson) => CustomerJson>;

const edit = command(
  { nth, what: oneOf(...(Object.keys(edits) as (keyof typeof edits)[])) },
  (world, { nth, what }) => {
    const profile = world.nth(world.truth.customers, nth);
    if (!profile) return undefined;
    revise(world, edits[what](profile));
    return `${profile.id}'s profile gets ${what}`;
  },
);

function revise(world: StoryWorld, profile: CustomerJson): void {
  world.ledger.putCustomer({ ...profile, updated_at: seconds(world.now), version: profile.version + 1 });
}

/** Square's examples do not say whether a deletion raises the version. */
const counted = oneOf(0, 1);

export const remove = command({ nth, counts: counted }, (world, { nth, counts }) => {
  const profile = world.nth(world.truth.customers, nth);
  if (!profile) return undefined;
  world.ledger.deleteCustomer({ ...profile, version: profile.version + counts });
  return `${profile.id}'s profile is deleted${counts ? ", which counts as a version" : ""}`;
});

export const recover = command({ nth }, (world, { nth }) => {
  const gone = world.nth(world.truth.deletedCustomers, nth, ({ id }) => !isMerged(world, id));
  if (!gone) return undefined;
  bringBack(world, gone, "DELETION_RECOVERY");
  return `${gone.id}'s deleted profile is recovered`;
});

/** The event of a deletion has no `created_at`. So the recovered profile gets the start of the story. */
function bringBack(world: StoryWorld, gone: CustomerJson, creation_source: string): void {
  revise(world, { ...gone, created_at: trimmed(world.start), creation_source });
}

function isMerged({ truth }: StoryWorld, id: string): boolean {
  const merge = truth.merges.findLast(({ from_customer_id }) => from_customer_id === id);
  return merge !== undefined && merge.recovered_version === null;
}

export const merge = command(
  { one: fc.nat(4), other: fc.nat(4), counts: counted, rewrites: fc.boolean(), sourcesFirst: fc.boolean() },
  (world, { one, other, counts, rewrites, sourcesFirst }) => {
    const { truth, ledger } = world;
    const into = survivors.find((id) => !truth.customers.has(id) && !truth.deletedCustomers.has(id));
    const first = world.nth(truth.customers, one);
    const second = world.nth(truth.customers, other, ({ id }) => id !== first?.id);
    if (!into || !first || !second) return undefined;
    const ids = [first.id, second.id];
    const context = { merge: { from_customer_ids: ids, to_customer_id: into } };
    const survive = () => ledger.putCustomer(survivorOf(world, into), context);
    if (!sourcesFirst) survive();
    for (const source of [first, second]) endSource(world, source, context, counts);
    if (sourcesFirst) survive();
    if (rewrites) rewriteBookings(world, ids, into);
    return `${ids.join(" and ")} are merged into ${into}${rewrites ? ", and their bookings rewritten" : ""}`;
  },
);

function survivorOf({ now }: StoryWorld, id: string): CustomerJson {
  return {
    id,
    created_at: trimmed(now),
    updated_at: seconds(now),
    given_name: id,
    creation_source: "MERGE",
    preferences: { email_unsubscribed: false },
    version: 0,
  };
}

function endSource(
  { truth, ledger, now }: StoryWorld,
  source: CustomerJson,
  context: MergeContext,
  counts: number,
): void {
  const gone = { ...source, version: source.version + counts };
  ledger.deleteCustomer(gone, context);
  truth.merges.push({
    from_customer_id: source.id,
    to_customer_id: context.merge.to_customer_id,
    merged_at: seconds(now),
    source_version: gone.version,
    recovered_version: null,
  });
}

/** It is not known whether Square rewrites bookings. They belong to the survivor in any case. */
function rewriteBookings({ truth, ledger, now }: StoryWorld, from: readonly string[], into: string): void {
  for (const booking of truth.bookings.values()) {
    if (!booking.customer_id || !from.includes(booking.customer_id)) continue;
    const version = booking.version + 1;
    ledger.putBooking({ ...booking, customer_id: into, version, updated_at: seconds(now) });
  }
}

export const unmerge = command(
  { nth, survivorEnds: fc.boolean(), counts: counted },
  (world, { nth, survivorEnds, counts }) => {
    const { truth, ledger } = world;
    const standing = truth.merges.filter(({ recovered_version }) => recovered_version === null);
    const survivor = world.nth(truth.customers, nth, ({ id }) =>
      standing.some(({ to_customer_id }) => to_customer_id === id),
    );
    if (!survivor) return undefined;
    for (const record of standing.filter(({ to_customer_id }) => to_customer_id === survivor.id)) {
      const gone = truth.deletedCustomers.get(record.from_customer_id);
      if (gone) bringBack(world, gone, "UNMERGE_RECOVERY");
      record.recovered_version = truth.customers.get(record.from_customer_id)?.version ?? null;
    }
    if (survivorEnds) ledger.deleteCustomer({ ...survivor, version: survivor.version + counts });
    return `the merge into ${survivor.id} is undone${survivorEnds ? `, and ${survivor.id} deleted` : ""}`;
  },
);

const refer = command(
  { who: fc.nat(6), code: oneOf(null, "FRIEND"), activated: fc.boolean() },
  (world, { who, code, activated }) => {
    const person = world.person(who);
    const text = `referral profile of ${person}`;
    if (world.messages.some((message) => message.text === text)) return undefined;
    const activated_at = activated ? seconds(world.now) : null;
    world.send(text, { referral: { square_customer_id: person, used_referral_code: code, activated_at } });
    return `${person} gets a referral profile${code ? ` with the code ${code}` : ""}`;
  },
);

export const profileCommands = [
  { weight: 6, arbitrary: signUp.arbitrary },
  { weight: 3, arbitrary: edit.arbitrary },
  { weight: 2, arbitrary: remove.arbitrary },
  { weight: 2, arbitrary: recover.arbitrary },
  { weight: 5, arbitrary: merge.arbitrary },
  { weight: 3, arbitrary: unmerge.arbitrary },
  { weight: 1, arbitrary: refer.arbitrary },
];
