import type pg from "pg";
import { query, type Statement } from "../database/query.js";
import { PRECEDENCE_DIGITS } from "../square/order-key.js";
import type { Guarded } from "../square/types.js";
import { writeJson } from "../square/write-json.js";

/**
 * The guarded mirror tables. Each is written by one statement over an array of objects, and the guard is one
 * comparison: an object is stored if its order key is greater than the stored one's (contract section 4).
 *
 * A copy from Square's API is also stored if it is of the version that stands here and says something else: then the
 * API is right, whether a webhook told it otherwise or somebody changed the row by hand. If it says the same,
 * nothing is written.
 */

export type Origin = "webhook" | "api";

export type GuardedKind = "booking" | "payment" | "refund" | "customer" | "team_member";

interface MirrorTable {
  readonly table: string;
  readonly key: string;
  /** Every other column that comes with the object, and its type in Postgres. */
  readonly columns: Readonly<Record<string, string>>;
  /** The customers whose row changes with the object: SQL over `incoming` and `stored`. */
  readonly owner: "customer" | "payment" | "self" | "nobody";
  readonly hasLocation?: true;
}

const mirror: Readonly<Record<GuardedKind, MirrorTable>> = {
  booking: {
    table: "bookings",
    key: "booking_id",
    columns: {
      version: "integer",
      status: "text",
      reported_customer_id: "text",
      location_id: "text",
      start_at: "timestamptz",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      duration_minutes: "integer",
      customer_note: "text",
      seller_note: "text",
      creator_type: "text",
      source: "text",
      raw: "jsonb",
    },
    owner: "customer",
    hasLocation: true,
  },
  payment: {
    table: "payments",
    key: "payment_id",
    columns: {
      status: "text",
      reported_customer_id: "text",
      location_id: "text",
      order_id: "text",
      amount_cents: "bigint",
      tip_cents: "bigint",
      total_cents: "bigint",
      processing_fee_cents: "bigint",
      currency: "text",
      source_type: "text",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      raw: "jsonb",
    },
    owner: "customer",
    hasLocation: true,
  },
  refund: {
    table: "refunds",
    key: "refund_id",
    columns: {
      payment_id: "text",
      status: "text",
      location_id: "text",
      amount_cents: "bigint",
      currency: "text",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      raw: "jsonb",
    },
    owner: "payment",
    hasLocation: true,
  },
  customer: {
    table: "customers",
    key: "square_customer_id",
    columns: {
      version: "bigint",
      given_name: "text",
      family_name: "text",
      company_name: "text",
      email_address: "text",
      phone_number: "text",
      birthday: "text",
      creation_source: "text",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      deleted_at: "timestamptz",
    },
    owner: "self",
  },
  team_member: {
    table: "team_members",
    key: "square_team_member_id",
    columns: {
      given_name: "text",
      family_name: "text",
      status: "text",
      updated_at: "timestamptz",
    },
    owner: "nobody",
  },
};

/** What became of one written object. */
export interface Written {
  readonly id: string;
  /** Hex of the order key that stood before; NULL for an object not met before. */
  readonly stored_key: string | null;
  readonly applied: boolean;
  /** The survivors who own it now and owned it before. */
  readonly customer_id: string | null;
  readonly previous_customer_id: string | null;
}

/** The owner before and now, as SQL; each lookup is by primary key. */
const owners = {
  customer: {
    now: `coalesce(
        (select to_customer_id from customer_aliases
          where organization_id = $1 and from_customer_id = i.reported_customer_id),
        i.reported_customer_id)`,
    before: "s.customer_id",
  },
  payment: {
    now: "(select customer_id from payments where organization_id = $1 and payment_id = i.payment_id)",
    before: "(select customer_id from payments where organization_id = $1 and payment_id = s.payment_id)",
  },
  self: { now: "i.square_customer_id", before: "null::text" },
  nobody: { now: "null::text", before: "null::text" },
} as const;

/** A location met for the first time gets a row under its id, in the organization's zone, until it is fetched. */
const placeholders = `
    placeholder as (
      insert into locations (organization_id, square_location_id, name, time_zone, currency, status, is_placeholder)
      select distinct $1::uuid, location_id, location_id, o.time_zone, o.currency, 'UNKNOWN', true
      from unnest($4::text[]) as met (location_id) cross join organizations o
      where o.id = $1 and location_id is not null and not exists (
        select from locations l where l.organization_id = $1 and l.square_location_id = location_id
      )
      order by location_id
      on conflict do nothing
    ),`;

/** Segments belong to the booking's version: they are replaced with it. */
const segments = `
    incoming_segment as (
      select w.booking_id, s.*
      from written w
      join incoming using (booking_id)
      cross join jsonb_to_recordset(incoming.segments) as s (
        segment_index integer, team_member_id text, service_variation_id text, duration_minutes integer
      )
    ),
    segment_written as (
      insert into booking_segments
        (organization_id, booking_id, segment_index, team_member_id, service_variation_id, duration_minutes)
      select $1, booking_id, segment_index, team_member_id, service_variation_id, duration_minutes
      from incoming_segment
      on conflict (organization_id, booking_id, segment_index) do update set
        team_member_id = excluded.team_member_id,
        service_variation_id = excluded.service_variation_id,
        duration_minutes = excluded.duration_minutes
    ),
    segment_deleted as (
      delete from booking_segments where ctid = any (array(
        select s.ctid
        from written
        join incoming i using (booking_id)
        cross join lateral (
          select ctid from booking_segments
          where organization_id = $1 and booking_id = written.booking_id
            and segment_index >= jsonb_array_length(i.segments) offset 0
        ) as s
      ))
    ),`;

/** The segments that are stored, as they come with a booking. */
const storedSegments = `coalesce((
          select jsonb_agg(jsonb_build_object('segment_index', segment_index, 'team_member_id', team_member_id,
            'service_variation_id', service_variation_id, 'duration_minutes', duration_minutes) order by segment_index)
          from booking_segments where organization_id = $1 and booking_id = i.booking_id
        ), '[]')`;

/** Those of the API's copies that are to be stored. */
function apiCopies(kind: GuardedKind, stored: readonly string[]): string {
  const { table, key } = mirror[kind];
  const compared = stored.filter((name) => name !== key && name !== "order_key");
  const precedence = (copy: string) => `substring(${copy}.order_key for ${PRECEDENCE_DIGITS / 2})`;
  const ours = [...compared.map((name) => `s.${name}`), ...(kind === "booking" ? [storedSegments] : [])];
  const theirs = [...compared.map((name) => `i.${name}`), ...(kind === "booking" ? ["i.segments"] : [])];
  return `(
        select i.* from incoming i
        left join lateral (select * from ${table} where organization_id = $1 and ${key} = i.${key} offset 0) as s on true
        where s.${key} is null or ${precedence("i")} > ${precedence("s")}
          or (${precedence("i")} = ${precedence("s")} and (${theirs.join(", ")}) is distinct from (${ours.join(", ")}))
      ) as candidate`;
}

function writeStatement(kind: GuardedKind, origin: Origin): Statement {
  const { table, key, columns, owner, hasLocation } = mirror[kind];
  const stored = [
    key,
    ...Object.keys(columns),
    ...(owner === "customer" ? ["customer_id"] : []),
    "order_key",
  ];
  const fields = Object.entries({ [key]: "text", ...columns }).map(([name, type]) => `${name} ${type}`);
  if (kind === "booking") fields.push("segments jsonb");
  const { now, before } = owners[owner];
  return {
    name: `write_${table}_from_${origin}`,
    text: `
    with incoming as (
      select i.*, decode(i.order_key_hex, 'hex') as order_key, ${now} as customer_id
      from jsonb_to_recordset($2::jsonb) as i (${fields.join(", ")}, order_key_hex text)
    ),
    stored as (
      select s.${key}, s.order_key, ${before} as previous_customer_id
      from unnest($3::text[]) as ids (id)
      cross join lateral (select * from ${table} where organization_id = $1 and ${key} = ids.id offset 0) as s
    ),${hasLocation ? placeholders : ""}
    written as (
      insert into ${table} as mirrored (organization_id, ${stored.join(", ")})
      select $1, ${stored.join(", ")} from ${origin === "api" ? apiCopies(kind, stored) : "incoming"}
      on conflict (organization_id, ${key}) do update set
        ${stored
          .slice(1)
          .map((name) => `${name} = excluded.${name}`)
          .join(", ")}
      ${origin === "api" ? "" : "where excluded.order_key > mirrored.order_key"}
      returning ${key}
    ),${kind === "booking" ? segments : ""}
    answer as (
      select ${key} as id, encode(stored.order_key, 'hex') as stored_key, written.${key} is not null as applied,
        incoming.customer_id, stored.previous_customer_id
      from incoming
      left join stored using (${key})
      left join written using (${key})
    )
    select id, stored_key, applied, customer_id, previous_customer_id from answer`,
  };
}

const statementsOf = (origin: Origin) =>
  Object.fromEntries(
    (Object.keys(mirror) as GuardedKind[]).map((kind) => [kind, writeStatement(kind, origin)]),
  ) as Record<GuardedKind, Statement>;

const statements = { webhook: statementsOf("webhook"), api: statementsOf("api") };

/** The object's id in its mirror table. */
export function objectId(kind: GuardedKind, value: Guarded): string {
  return (value as unknown as Record<string, string>)[mirror[kind].key] as string;
}

/**
 * Writes objects of one kind, each at most once in the array, where the guard lets them. The caller holds the objects' locks (src/facts/locks.ts), so what `stored` read is what was replaced.
 *
 * @param locationIds the locations of all copies that came, older ones too: a location is met whether or not the copy
 *   that names it stands, and so no order and no batch decides which locations are known
 */
export async function writeObjects(
  tx: pg.PoolClient,
  organizationId: string,
  kind: GuardedKind,
  objects: readonly Guarded[],
  locationIds: readonly string[],
  origin: Origin,
): Promise<Written[]> {
  if (objects.length === 0) return [];
  const rows = objects.map(({ order_key, ...columns }) => ({ ...columns, order_key_hex: order_key }));
  const ids = objects.map((object) => objectId(kind, object));
  const { rows: written } = await query<Written & pg.QueryResultRow>(tx, statements[origin][kind], [
    organizationId,
    writeJson(rows),
    ids,
    ...(mirror[kind].hasLocation ? [locationIds] : []),
  ]);
  return written;
}
