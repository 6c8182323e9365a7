import type pg from "pg";
import { query } from "../database/query.js";
import { writeJson } from "../square/write-json.js";
import type { Location, ServiceVariation } from "./types.js";

/** Locations and services. Their events carry only an id, so every copy comes from Square's API. */

// Square gives a location no version and no time of change, so the latest read stands. Index: primary key.
const writeLocationsStatement = {
  name: "write_locations",
  text: `
    with incoming as (
      select distinct on (square_location_id) square_location_id, coalesce(name, square_location_id) as name,
        known_time_zone(time_zone) as time_zone, currency, status
      from jsonb_to_recordset($2::jsonb) as l (
        square_location_id text, name text, time_zone text, currency text, status text
      )
      order by square_location_id
    ),
    stored as (
      select s.square_location_id, s.time_zone
      from incoming i
      cross join lateral (
        select square_location_id, time_zone from locations
        where organization_id = $1 and square_location_id = i.square_location_id offset 0
      ) as s
    ),
    written as (
      insert into locations as known
        (organization_id, square_location_id, name, time_zone, currency, status, is_placeholder)
      select $1, square_location_id, name, time_zone, currency, status, false from incoming
      on conflict (organization_id, square_location_id) do update set
        name = excluded.name, time_zone = excluded.time_zone, currency = excluded.currency,
        status = excluded.status, is_placeholder = false
      where (known.name, known.time_zone, known.currency, known.status, known.is_placeholder)
        is distinct from (excluded.name, excluded.time_zone, excluded.currency, excluded.status, false)
      returning square_location_id, time_zone
    )
    select w.square_location_id, w.time_zone is distinct from stored.time_zone as moved
    from written w left join stored using (square_location_id)`,
};

export interface WrittenLocations {
  readonly applied: number;
  /** Locations whose time zone changed. The rows of their customers must be recomputed. */
  readonly movedIds: readonly string[];
}

// Version 0 counts as an older definition. The sweep recomputes such rows and does not report them as drift.
// Index: bookings by organization, then the primary key of customer_analytics.
const outdateStatement = {
  name: "outdate_customers_at_locations",
  text: `
    update customer_analytics set definition_version = 0
    where organization_id = $1 and square_customer_id in (
      select customer_id from bookings where organization_id = $1 and location_id = any ($2)
    )`,
};

export async function writeLocations(
  tx: pg.PoolClient,
  organizationId: string,
  locations: readonly Location[],
): Promise<WrittenLocations> {
  const { rows } = await query<{ square_location_id: string; moved: boolean }>(tx, writeLocationsStatement, [
    organizationId,
    writeJson(locations),
  ]);
  const movedIds = rows.filter(({ moved }) => moved).map((row) => row.square_location_id);
  if (movedIds.length > 0) await query(tx, outdateStatement, [organizationId, movedIds]);
  return { applied: rows.length, movedIds };
}

// A variation without its item carries no item name, so the stored item name is kept. Index: primary key.
const writeVariationsStatement = {
  name: "write_service_variations",
  text: `
    insert into service_variations as known
      (organization_id, square_variation_id, name, item_name, duration_minutes, price_cents, currency, version)
    select distinct on (square_variation_id) $1::uuid, square_variation_id, name, item_name, duration_minutes, price_cents,
      currency, version
    from jsonb_to_recordset($2::jsonb) as v (
      square_variation_id text, name text, item_name text, duration_minutes integer, price_cents bigint, currency text,
      version bigint
    )
    order by square_variation_id, version desc, item_name nulls last
    on conflict (organization_id, square_variation_id) do update set
      name = excluded.name, item_name = coalesce(excluded.item_name, known.item_name),
      duration_minutes = excluded.duration_minutes, price_cents = excluded.price_cents, currency = excluded.currency,
      version = excluded.version
    where excluded.version >= coalesce(known.version, excluded.version)
      and (known.name, known.item_name, known.duration_minutes, known.price_cents, known.currency, known.version)
        is distinct from (excluded.name, coalesce(excluded.item_name, known.item_name), excluded.duration_minutes,
          excluded.price_cents, excluded.currency, excluded.version)
    returning square_variation_id`,
};

/** @returns how many were written */
export async function writeServiceVariations(
  tx: pg.PoolClient,
  organizationId: string,
  variations: readonly ServiceVariation[],
): Promise<number> {
  if (variations.length === 0) return 0;
  const { rowCount } = await query(tx, writeVariationsStatement, [organizationId, writeJson(variations)]);
  return rowCount ?? 0;
}

// Index: bookings_customer_idx gives customers in key order. The location is compared booking by booking. A change of
// time zone is rare, so this needs no index of its own.
const customersAtStatement = {
  name: "customers_at_locations",
  text: `
    select distinct customer_id from bookings
    where organization_id = $1 and customer_id > $3 and location_id = any ($2)
    order by customer_id limit $4`,
};

/** Customers who have booked at one of these locations, in key order after `after`. */
export async function customersAtLocations(
  on: pg.Pool,
  organizationId: string,
  locationIds: readonly string[],
  after: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await query<{ customer_id: string }>(on, customersAtStatement, [
    organizationId,
    locationIds,
    after,
    limit,
  ]);
  return rows.map((row) => row.customer_id);
}
