import { factsOfProfile } from "../../handlers/customer.js";
import {
  factsOfAbsentProfile,
  factsOfMergedProfile,
  factsOfUnmergedProfile,
  type KnownProfile,
} from "../../handlers/profile-answers.js";
import { readPosition, savePosition } from "../database/positions.js";
import { type Queryable, query } from "../database/query.js";
import type { Fact } from "../facts/types.js";
import { MAX_IDS, type Retrieved } from "../square/api/api.js";
import { toInstant } from "../square/timestamp.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import { pullUpdated } from "./payments-and-refunds.js";
import { storeObjects } from "./store-objects.js";
import { moveWatermark, readList, SETTLE_MS } from "./watermark.js";

/**
 * Pulls profiles that changed since the last pull, or all. Square's search omits profiles without name, company,
 * e-mail address and phone number.
 */
export async function pullCustomers(task: PullTask): Promise<void> {
  if (!task.everything) {
    return pullUpdated(task, "customers", "customers", factsOfProfile, (filter) =>
      task.api.customersUpdated(filter),
    );
  }
  const failed = await readList(
    (cursor) => task.api.customers({ cursor }),
    (objects) => storeObjects(task, "customers", objects, factsOfProfile),
  );
  if (failed === 0) await moveWatermark(task, "customers");
}

/** The most requests for known profiles in one recent pull. The next pull continues after them. */
const MAX_REQUESTS = 200;

interface ProfilesPosition {
  readonly after: string;
}

/**
 * Requests known profiles by their ids. This finds missed merges, deletions and recoveries, because no list of
 * Square shows them. Square answers the id of a merged profile with the survivor, and the id of a deleted one with
 * NOT_FOUND. A NOT_FOUND can be wrong, so a profile is deleted only after two pulls got it.
 *
 * Requested are: live profiles; ids in bookings and payments without a live profile; profiles with an inferred
 * deletion; merged ids.
 */
export async function pullKnownProfiles(task: PullTask): Promise<void> {
  const { pool, organizationId, startedAt, clock } = task;
  const place = task.everything
    ? undefined
    : await readPosition<ProfilesPosition>(pool, organizationId, "pull/profiles");
  let after = place?.after ?? "";
  const settledBefore = new Date(startedAt.getTime() - SETTLE_MS);
  for (let requests = 0; task.everything || requests < MAX_REQUESTS; requests += 1) {
    const known = await knownProfiles(pool, organizationId, after, settledBefore);
    after = known.at(-1)?.customer_id ?? "";
    if (known.length > 0) await storeAnswers(task, known);
    if (known.length < MAX_IDS) after = "";
    await savePosition<ProfilesPosition>(pool, organizationId, "pull/profiles", { after }, clock());
    if (after === "" || task.signal.aborted) return;
  }
}

function hasNoLiveProfile(id: string): string {
  return `not exists (
          select from customers c
          where c.organization_id = $1 and c.square_customer_id = ${id} and c.deleted_at is null
        )`;
}

// A profile that changed just now is left out, because Square may still answer its state before the change. Indexes
// of the four parts: primary key of customers; primary key of customer_analytics, which has a row for every
// customer with a booking or payment; customers_not_found_idx; primary key of customer_aliases.
const knownStatement = {
  name: "known_profiles",
  text: `
    select customer_id, version, encode(order_key, 'hex') as order_key, (
        select to_customer_id from customer_aliases where organization_id = $1 and from_customer_id = customer_id
      ) as survivor
    from (
      (select square_customer_id as customer_id, version, order_key from customers
        where organization_id = $1 and square_customer_id > $2 and deleted_at is null
          and (updated_at is null or updated_at < $3)
        order by square_customer_id limit $4)
      union
      (select square_customer_id, null, null from customer_analytics a
        where organization_id = $1 and square_customer_id > $2 and ${hasNoLiveProfile("a.square_customer_id")}
        order by square_customer_id limit $4)
      union
      (select square_customer_id, null, null from customers c
        where organization_id = $1 and square_customer_id > $2 and not_found_since is not null and deleted_at is not null
        order by square_customer_id limit $4)
      union
      (select from_customer_id, null, null from customer_aliases a
        where organization_id = $1 and from_customer_id > $2 and ${hasNoLiveProfile("a.from_customer_id")}
        order by from_customer_id limit $4)
    ) as known
    order by customer_id limit $4`,
};

async function knownProfiles(
  on: Queryable,
  organizationId: string,
  after: string,
  settledBefore: Date,
): Promise<KnownProfile[]> {
  const { rows } = await query<KnownProfile>(on, knownStatement, [
    organizationId,
    after,
    settledBefore,
    MAX_IDS,
  ]);
  return rows;
}

async function storeAnswers(task: PullTask, known: readonly KnownProfile[]): Promise<void> {
  const answers: Retrieved = await task.api.customersById(known.map(({ customer_id }) => customer_id));
  const askedAt = toInstant(task.startedAt);
  const factsOf = new Map<JsonObject, () => readonly Fact[]>();
  for (const profile of known) {
    const answer = answers.get(profile.customer_id);
    if (answer === undefined || (answer === null && profile.order_key === null)) continue;
    if (answer === null) {
      factsOf.set({ id: profile.customer_id }, () => factsOfAbsentProfile(profile, askedAt));
    } else if (profile.order_key === null && answer.id === profile.survivor) {
      // The merge is known.
    } else if (answer.id !== profile.customer_id) {
      factsOf.set(answer, () => factsOfMergedProfile(profile, answer, askedAt));
    } else if (profile.survivor !== null) {
      const survivorIds = await openMerges(task, profile.customer_id);
      factsOf.set(answer, () => factsOfUnmergedProfile(answer, survivorIds, askedAt));
    } else {
      factsOf.set(answer, () => factsOfProfile(answer));
    }
  }
  await storeObjects(task, "customers", [...factsOf.keys()], (object) => factsOf.get(object)?.() ?? []);
}

// Index: primary key of customer_merges. A merge with a known source version needs no further evidence.
const openMergesStatement = {
  name: "merges_without_version",
  text: `
    select to_customer_id from customer_merges
    where organization_id = $1 and from_customer_id = $2 and source_version is null`,
};

async function openMerges(
  { pool, organizationId }: PullTask,
  customerId: string,
): Promise<readonly string[]> {
  const values = [organizationId, customerId];
  const { rows } = await query<{ to_customer_id: string }>(pool, openMergesStatement, values);
  return rows.map((row) => row.to_customer_id);
}
