import pg from "pg";
import { type Queryable, queryUnprepared, type Statement } from "../database/query.js";
import { EXPORT_HEADER, EXPORTED_EVENT } from "../inbox/event-file.js";

/**
 * Exports the stored data of an organization, or about one of its customers, as lines of JSON. It reads pages by key.
 * So memory stays constant, nothing is locked, and an interrupted export can continue after any line. Each object is
 * exported as it is when its page is read.
 */

/** Version of the lines' shape. */
const FORMAT = 1;

/** The most rows of a page, and its intended size in bytes. A payload can have 1 MiB. */
const PAGE_ROWS = 1000;
const PAGE_BYTES = 4 * 1024 * 1024;
const FIRST_PAGE_ROWS = 100;

export interface ExportScope {
  readonly organizationId: string;
  /** Null for all customers. */
  readonly customer: ExportedCustomer | null;
}

export interface ExportedCustomer {
  /** The survivor's id. */
  readonly id: string;
  /** The survivor's id and the ids that were merged into it. */
  readonly ids: readonly string[];
}

/** An object's position in the order of an export. An interrupted export continues after it. */
export interface ExportPosition {
  readonly type: string;
  readonly key: readonly string[];
}

export interface ExportPage {
  readonly type: string;
  readonly lines: readonly string[];
  /** How many rows were read to find these lines. */
  readonly read: number;
}

interface Kind {
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

const kinds: readonly Kind[] = [
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
  ...Object.fromEntries(kinds.map(({ table, type }) => [table, type])),
  booking_segments: "booking",
};

/** Columns that are not exported. The header names the organization, and an order key follows from the object. */
const LEFT_OUT: ReadonlySet<string> = new Set(["organization_id", "order_key", "scanned_key"]);

const segments = `, (
      select coalesce(jsonb_agg(to_jsonb(s) - array['organization_id', 'booking_id'] order by s.segment_index), '[]')
      from booking_segments s where s.organization_id = $1 and s.booking_id = t.booking_id
    ) as segments`;

/** `(a, b) > ($5, $6)`: the rows after a position, by the primary key. */
function isAfter(key: readonly string[], firstParameter: number): string {
  return `(${key.join(", ")}) > (${key.map((_, index) => `$${firstParameter + index}`).join(", ")})`;
}

/** A page of all rows, by the primary key. */
function pageOfAll({ type, table, key }: Kind): Statement {
  return {
    name: `export_${type}`,
    text: `
      select t.*${type === "booking" ? segments : ""} from ${table} t
      where t.organization_id = $1 and ${isAfter(key, 3)}
      order by ${key.join(", ")} limit $2`,
  };
}

/** A page of one customer's rows. They are found by the customer's index first, then sorted. */
function pageAboutCustomer({ type, table, key }: Kind, about: string): Statement {
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
const eventsAboutCustomer: Statement = {
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

// By bookings_customer_idx, payments_customer_idx and refunds_payment_idx.
const namesStatement: Statement = {
  name: "export_customer_names",
  text: `
    select array_agg(id) as names from (
      select unnest($3::text[]) as id
      union select booking_id from bookings where organization_id = $1 and customer_id = $2
      union select unnest(array[payment_id, order_id]) from payments
        where organization_id = $1 and customer_id = $2
      union select refund_id from refunds where organization_id = $1 and payment_id in (
        select payment_id from payments where organization_id = $1 and customer_id = $2
      )
    ) as named where id is not null`,
};

// By the primary key of customer_aliases and by its index over to_customer_id.
const customerStatement: Statement = {
  name: "export_customer",
  text: `
    with survivor as (
      select coalesce((
        select to_customer_id from customer_aliases where organization_id = $1 and from_customer_id = $2
      ), $2) as id
    )
    select id, array(
      select from_customer_id from customer_aliases
      where organization_id = $1 and to_customer_id = survivor.id order by from_customer_id
    ) as merged_ids from survivor`,
};

const organizationStatement: Statement = {
  name: "export_organization",
  text: `
    select id, square_merchant_id, name, currency, time_zone, status, settings, authorized_at, created_at
    from organizations where id = $1`,
};

/** Finds the customer that an id means. A merged id means its survivor. */
export async function findExportedCustomer(
  on: Queryable,
  organizationId: string,
  customerId: string,
): Promise<ExportedCustomer> {
  const { rows } = await queryUnprepared<{ id: string; merged_ids: string[] }>(on, customerStatement, [
    organizationId,
    customerId,
  ]);
  const { id, merged_ids } = rows[0] ?? { id: customerId, merged_ids: [] };
  return { id, ids: [id, ...merged_ids] };
}

/** The first line of an export. */
export interface ExportHeader {
  readonly type: typeof EXPORT_HEADER;
  readonly format: number;
  readonly organization_id: string;
  readonly customer_id: string | null;
  readonly begun_at: string;
}

export function exportHeader({ organizationId, customer }: ExportScope, now: Date): ExportHeader {
  return {
    type: EXPORT_HEADER,
    format: FORMAT,
    organization_id: organizationId,
    customer_id: customer?.id ?? null,
    begun_at: now.toISOString(),
  };
}

/** Estimates how many rows an export reads, for its progress. One customer's export reads all events. */
export async function countExported(
  on: Queryable,
  { organizationId, customer }: ExportScope,
): Promise<number> {
  const counted = customer ? kinds.filter(({ type }) => type === EXPORTED_EVENT) : kinds;
  const counts = counted.map(({ table }) => `(select count(*) from ${table} where organization_id = $1)`);
  const count = { name: "count_exported", text: `select ${counts.join(" + ")} as count` };
  const { rows } = await queryUnprepared<{ count: bigint }>(on, count, [organizationId]);
  return Number(rows[0]?.count ?? 0n);
}

/** The position of an exported object. Undefined for a line without a position. */
export function positionOf(line: Readonly<Record<string, unknown>>): ExportPosition | undefined {
  const kind = kinds.find(({ type }) => type === line.type);
  const key = kind?.key.map((column) => line[column]);
  if (!kind || !key?.every((value) => typeof value === "string")) return undefined;
  return { type: kind.type, key };
}

/**
 * Yields the lines of an export without the header, kind by kind and in the order of the keys.
 *
 * @param after the last object that was exported before
 */
export async function* exportPages(
  on: Queryable,
  scope: ExportScope,
  after?: ExportPosition,
): AsyncGenerator<ExportPage> {
  const { organizationId, customer } = scope;
  if (!customer && !after) {
    const rows = await readJsonRows(on, organizationStatement, [organizationId]);
    yield { type: "organization", lines: rows.map((row) => lineOf("organization", row)), read: rows.length };
  }
  const first = kinds.findIndex(({ type }) => type === after?.type);
  for (const kind of kinds.slice(Math.max(first, 0))) {
    const key = after?.type === kind.type ? after.key : kind.key.map(() => "");
    if (!customer) {
      yield* pagesOf(on, kind, pageOfAll(kind), [organizationId], key);
    } else if (kind.about !== undefined) {
      const values = [organizationId, customer.id, customer.ids];
      yield* pagesOf(on, kind, pageAboutCustomer(kind, kind.about), values, key);
    } else if (kind.type === EXPORTED_EVENT) {
      const names = await namesOf(on, organizationId, customer);
      yield* pagesOf(on, kind, eventsAboutCustomer, [organizationId, names], key);
    }
  }
}

/**
 * The ids that mark an event as the customer's: of the customer, and of their bookings, payments, orders and refunds.
 */
async function namesOf(
  on: Queryable,
  organizationId: string,
  { id, ids }: ExportedCustomer,
): Promise<string[]> {
  const { rows } = await queryUnprepared<{ names: string[] }>(on, namesStatement, [organizationId, id, ids]);
  return rows[0]?.names ?? [];
}

/**
 * @param values the statement's parameters, without `$2` (the page's length) and without the last ones (the position)
 * @param begin the position after which the first page begins
 */
async function* pagesOf(
  on: Queryable,
  { type, key }: Kind,
  statement: Statement,
  [organizationId, ...values]: readonly unknown[],
  begin: readonly string[],
): AsyncGenerator<ExportPage> {
  let after = begin;
  let limit = FIRST_PAGE_ROWS;
  for (;;) {
    const rows = await readJsonRows(on, statement, [organizationId, limit, ...values, ...after]);
    const last = rows.at(-1);
    if (!last) return;
    const lines = rows.filter((row) => row[key[0] as string] !== null).map((row) => lineOf(type, row));
    yield { type, lines, read: rows.length };
    if (rows.length < limit) return;
    after = key.map((column) => JSON.parse((last.scanned_key ?? last[column]) as string));
    const bytes = lines.reduce((sum, line) => sum + line.length, 0);
    limit = Math.max(1, Math.min(PAGE_ROWS, Math.floor((PAGE_BYTES * rows.length) / Math.max(bytes, 1))));
  }
}

/** A row whose values are JSON texts. */
type JsonRow = Readonly<Record<string, string | null>>;

async function readJsonRows(
  on: Queryable,
  statement: Statement,
  values: readonly unknown[],
): Promise<JsonRow[]> {
  return (await queryUnprepared<Record<string, string | null>>(on, statement, values, jsonTypes)).rows;
}

function lineOf(type: string, row: JsonRow): string {
  const fields = Object.entries(row)
    .filter(([column]) => !LEFT_OUT.has(column))
    .map(([column, value]) => `"${column}":${value ?? "null"}`);
  return `{"type":"${type}",${fields.join(",")}}`;
}

const { builtins } = pg.types;

const asItIs = (text: string) => text;

/** Converts Postgres' text to JSON text directly, so that no digit of money, payloads or times is lost. */
const jsonTexts = new Map<number, (text: string) => string>([
  [builtins.INT2, asItIs],
  [builtins.INT4, asItIs],
  [builtins.INT8, (text) => (Number.isSafeInteger(Number(text)) ? text : `"${text}"`)],
  [builtins.NUMERIC, asItIs],
  [builtins.BOOL, (text) => (text === "t" ? "true" : "false")],
  [builtins.JSONB, asItIs],
  [builtins.TIMESTAMPTZ, instantAsJson],
]);

/** RFC 3339 in UTC, to the microsecond. */
function instantAsJson(text: string): string {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00$/.exec(text) ?? [];
  if (day !== undefined) return `"${day}T${time}Z"`;
  const instant: unknown = pg.types.getTypeParser(builtins.TIMESTAMPTZ)(text);
  return JSON.stringify(instant instanceof Date ? instant.toISOString() : text);
}

const jsonTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid) => jsonTexts.get(Number(oid)) ?? JSON.stringify,
};
