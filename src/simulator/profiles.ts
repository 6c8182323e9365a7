import { companyNames, familyNames, givenNames } from "./names.js";
import type { CustomerJson, MergeContext } from "./objects.js";
import { seconds, trimmed } from "./wire-time.js";
import { type Client, DAY, HOUR, MINUTE, type World } from "./world.js";

/** Customer profiles are created, edited, deleted, recovered, merged and unmerged here. */

const sources = {
  online: { APPOINTMENTS: 8, ONLINE_STORE: 1 },
  desk: { DIRECTORY: 8, IMPORT: 1, MARKETING: 1 },
  till: { INSTANT_PROFILE: 4, LOYALTY: 1, TERMINAL: 1 },
};

/** Creates a profile and announces it. @returns its id */
export function createProfile(world: World, channel: keyof typeof sources): string {
  const id = world.customerId();
  const source = world.random.weighted<string>(sources[channel]);
  // An instant profile has a card and no personal data.
  const details = source === "INSTANT_PROFILE" ? {} : personalDetails(world);
  world.ledger.putCustomer({
    id,
    created_at: trimmed(world.now),
    updated_at: seconds(world.now),
    ...details,
    creation_source: source,
    preferences: { email_unsubscribed: world.random.chance(0.2) },
    version: 0,
  });
  return id;
}

/** Plans a profile's changes until `end`: edits, and perhaps a deletion or a merge. */
export function liveWithProfile(world: World, client: Client, end: number): void {
  const { random, rates } = world;
  const span = end - world.now;
  world.everySoOften(rates.profileEditsPerYear, () => editProfile(world, client.customerId));
  if (random.chance(rates.profileDeleted)) {
    world.after(random.between(0, span), () => deleteProfile(world, client));
  }
  if (random.chance(rates.merged)) world.after(random.between(0, span), () => mergeProfiles(world, client));
}

type Details = Pick<
  CustomerJson,
  "given_name" | "family_name" | "company_name" | "email_address" | "phone_number" | "birthday"
>;

function personalDetails({ random }: World): Details {
  const given = random.pick(givenNames);
  const family = random.pick(familyNames);
  const number = String(random.int(0, 9999)).padStart(4, "0");
  return {
    given_name: given,
    ...(random.chance(0.95) && { family_name: family }),
    ...(random.chance(0.03) && { company_name: random.pick(companyNames) }),
    ...(random.chance(0.8) && {
      email_address: `${given}.${family}.${random.int(1, 9999)}@example.com`.toLowerCase(),
    }),
    ...(random.chance(0.9) && { phone_number: `+1${random.pick(["213", "303", "503"])}555${number}` }),
    ...(random.chance(0.25) && {
      birthday: birthday(random.chance(0.4) ? 0 : random.int(1945, 2006), random),
    }),
  };
}

function birthday(year: number, random: World["random"]): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${String(year).padStart(4, "0")}-${two(random.int(1, 12))}-${two(random.int(1, 28))}`;
}

function reviseProfile(world: World, profile: CustomerJson, patch: Partial<CustomerJson>): void {
  const version = profile.version + 1;
  world.ledger.putCustomer({ ...profile, updated_at: seconds(world.now), ...patch, version });
}

function editProfile(world: World, id: string): void {
  const profile = world.truth.customers.get(id);
  if (!profile) return;
  const { random } = world;
  const details = personalDetails(world);
  if (random.chance(0.15)) {
    const { email_address: _cleared, ...rest } = profile;
    reviseProfile(world, rest, {});
  } else if (random.chance(0.4)) {
    reviseProfile(world, profile, { group_ids: [`${world.truth.merchant.id}.REGULARS`] });
  } else {
    reviseProfile(world, profile, details);
  }
}

/** The profile at its deletion. Square does not document whether a deletion is a new version, so some are. */
function lastVersion(world: World, profile: CustomerJson): CustomerJson {
  return { ...profile, version: profile.version + world.random.int(0, 1) };
}

function deleteProfile(world: World, client: Client): void {
  const profile = world.truth.customers.get(client.customerId);
  if (!profile) return;
  world.ledger.deleteCustomer(lastVersion(world, profile));
  client.active = false;
  if (!world.random.chance(world.rates.deletionRecovered)) return;
  world.after(world.random.between(MINUTE, 20 * DAY), () => {
    if (recoverProfile(world, profile, "DELETION_RECOVERY")) client.active = true;
  });
}

/** @returns false when the profile is live */
function recoverProfile(world: World, profile: CustomerJson, source: string): boolean {
  const gone = world.truth.deletedCustomers.get(profile.id);
  if (!gone) return false;
  reviseProfile(world, { ...profile, version: gone.version }, { creation_source: source });
  return true;
}

/** Merges a client's profile with one or two others into a new one. The first client uses the new one. */
export function mergeProfiles(world: World, client: Client): void {
  const { random, truth, ledger } = world;
  const own = truth.customers.get(client.customerId);
  if (!own) return;
  const people = new Map<string, Client>([[own.id, client]]);
  const wanted = random.chance(0.1) ? 3 : 2;
  for (let tries = 0; tries < 12 && people.size < wanted; tries++) {
    const other = random.pick(world.clients);
    if (truth.customers.has(other.customerId)) people.set(other.customerId, other);
  }
  if (people.size < 2) return;
  const survivor = survivorOf(world, own);
  const merge = { from_customer_ids: [...people.keys()], to_customer_id: survivor.id };
  const context: MergeContext = { merge };
  const steps = [() => ledger.putCustomer(survivor, context)];
  const sources = merge.from_customer_ids.flatMap((id) => truth.customers.get(id) ?? []);
  for (const source of sources) {
    const gone = lastVersion(world, source);
    steps.push(() => ledger.deleteCustomer(gone, context));
    truth.merges.push({
      from_customer_id: source.id,
      to_customer_id: survivor.id,
      merged_at: seconds(world.now),
      source_version: gone.version,
      recovered_version: null,
    });
  }
  for (const step of random.shuffle(steps)) step();
  for (const [id, person] of people) {
    person.formerId = id;
    person.customerId = survivor.id;
    person.active = person === client && client.active;
  }
  rewriteBookings(world, merge.from_customer_ids, survivor.id);
  if (random.chance(world.rates.unmerged)) {
    world.after(random.between(HOUR, 40 * DAY), () => unmerge(world, survivor.id, sources, people));
  }
}

function survivorOf(world: World, own: CustomerJson): CustomerJson {
  return {
    ...own,
    id: world.customerId(),
    created_at: trimmed(world.now),
    updated_at: seconds(world.now),
    creation_source: "MERGE",
    version: 0,
  };
}

/** Square does not document whether it rewrites bookings after a merge, so some are rewritten here. */
function rewriteBookings(world: World, from: readonly string[], to: string): void {
  for (const { bookingId } of world.appointments) {
    const booking = world.truth.bookings.get(bookingId);
    if (!booking?.customer_id || !from.includes(booking.customer_id)) continue;
    if (!world.random.chance(world.rates.mergeRewritesBooking)) continue;
    const updated_at = seconds(world.now);
    world.ledger.putBooking({ ...booking, customer_id: to, version: booking.version + 1, updated_at });
  }
}

/** Recovers the sources. Each person returns to the earlier profile, and the survivor may be deleted. */
function unmerge(
  world: World,
  survivorId: string,
  sources: readonly CustomerJson[],
  people: ReadonlyMap<string, Client>,
): void {
  for (const source of sources) {
    if (!recoverProfile(world, source, "UNMERGE_RECOVERY")) continue;
    const recovered = world.truth.customers.get(source.id);
    const record = world.truth.merges.findLast((merge) => merge.from_customer_id === source.id);
    if (record) record.recovered_version = recovered?.version ?? null;
    const person = people.get(source.id);
    if (!person) continue;
    person.customerId = source.id;
    person.formerId = null;
    person.active = true;
  }
  const survivor = world.truth.customers.get(survivorId);
  if (survivor && world.random.chance(0.5)) world.ledger.deleteCustomer(lastVersion(world, survivor));
}
