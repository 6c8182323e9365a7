import type { Statement } from "../database/query.js";
import { EXPORTED_EVENT } from "../inbox/event-file.js";

export interface ExportKind {
  readonly type: string;
  readonly table: string;
  /** The columns of the primary key after organization_id. All are text. */
  readonly key: readonly string[];
  /**
   * SQL condition for the rows about one customer. `$3` is the survivor's id, `$4` holds all ids. Undefined when rows
   * of this kind are not about customers. Events have a statement of their own.
   */
  readonly about?: string;
}

const oneOf = (column: string) => `${column} = any ($4::text[])`;

/** The kinds of exported objects, in the order of the export. */
export const exportKinds: readonly ExportKind[] = [
  { type: "location", table: "locations", key: ["square_location_id"] },
  { type: "team_member", table: "team_members", key: ["square_team_member_id"] },
  { type: "service_variation", table: "service_variations", key: ["square_variation_id"] },
  { type: "customer", table: "customers", key: ["square_customer_id"], about: oneOf("square_customer_id") },
  {
    type: "customer_merge",
    table: "customer_merges",
    key: ["from_customer_id", "to_customer_id"],
    about: `${oneOf("from_customer_id")} or ${oneOf("to_customer_id")}`,
  },
  {
    type: "customer_recovery",
    table: "customer_recoveries",
    key: ["square_customer_id"],
    about: oneOf("square_customer_id"),
  },
  {
    type: "customer_erasure",
    table: "customer_erasures",
    key: ["square_customer_id"],
    about: oneOf("square_customer_id"),
  },
  {
    type: "customer_alias",
    table: "customer_aliases",
    key: ["from_customer_id"],
    about: "to_customer_id = $3",
  },
  { type: "booking", table: "bookings", key: ["booking_id"], about: "customer_id = $3" },
  { type: "payment", table: "payments", key: ["payment_id"], about: "customer_id = $3" },
  {
    type: "refund",
    table: "refunds",
    key: ["refund_id"],
    about: "payment_id in (select payment_id from payments where organization_id = $1 and customer_id = $3)",
  },
  {
    type: "referral_profile",
    table: "referral_profiles",
    key: ["square_customer_id"],
    about: oneOf("square_customer_id"),
  },
  {
    type: "referral_reward",
    table: "referral_rewards",
    key: ["reward_id"],
    about: `${oneOf("referrer_customer_id")} or ${oneOf("referred_customer_id")}`,
  },
  {
    type: "customer_analytics",
    table: "customer_analytics",
    key: ["square_customer_id"],
    about: "square_customer_id = $3",
  },
  { type: EXPORTED_EVENT, table: "webhook_events", key: ["event_id"] },
];

/** The exported tables, each with the type of its lines. */
export const exportedTables: Readonly<Record<string, string>> = {
  ...Object.fromEntries(exportKinds.map(({ table, type }) => [table, type])),
  booking_segments: "booking",
};

const segments = `, (
      select coalesce(jsonb_agg(to_jsonb(s) - array['organization_id', 'booking_id'] order by s.segment_index), '[]')
      from booking_segments s where s.organization_id = $1 and s.booking_id = t.booking_id
    ) as segments`;

/** `(a, b) > ($5, $6)`: the rows after a position, by the primary key. */
function isAfter(key: readonly string[], firstParameter: number): string {
  return `(${key.join(", ")}) > (${key.map((_, index) => `$${firstParameter + index}`).join(", ")})`;
}

/** A page of all rows, by the primary key. */
export function pageOfAll({ type, table, key }: ExportKind): Statement {
  return {
    name: `export_${type}`,
    text: `
      select t.*${type === "booking" ? segments : ""} from ${table} t
      where t.organization_id = $1 and ${isAfter(key, 3)}
      order by ${key.join(", ")} limit $2`,
  };
}

/** A page of one customer's rows. They are found by the customer's index first, then sorted. */
export function pageAboutCustomer({ type, table, key }: ExportKind, about: string): Statement {
  return {
    name: `export_customer_${type}`,
    text: `
      with given as (select $3::text, $4::text[])
      select t.*${type === "booking" ? segments : ""}
      from (select * from ${table} where organization_id = $1 and (${about}) offset 0) t
      where ${isAfter(key, 5)}
      order by ${key.join(", ")} limit $2`,
  };
}

// An event is about the customer when a text in its payload is one of the ids ($3). No index serves that, so all
// events of the organization are read, page by page, by the primary key. Pages keep statements short, because on the
// embedded database others wait for each statement. `is true` makes Postgres keep the ids in one hash table.
export const eventsAboutCustomer: Statement = {
  name: "export_customer_events",
  text: `
    select t.event_id as scanned_key, named.*
    from (select * from webhook_events where organization_id = $1 and event_id > $4 order by event_id limit $2) t
    left join lateral (
      select t.* where exists (
        select from jsonb_path_query(t.payload, 'strict $.** ? (@.type() == "string")') as text
        where (text #>> '{}' in (select unnest($3::text[]))) is true
      )
    ) as named on true
    order by t.event_id`,
};

export const organizationStatement: Statement = {
  name: "export_organization",
  text: `
    select id, square_merchant_id, name, currency, time_zone, status, settings, authorized_at, created_at
    from organizations where id = $1`,
};
