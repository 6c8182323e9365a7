import type pg from "pg";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import { type SegmentDays, segmentDayNames, segmentDays } from "../analytics/rules.js";
import { $, type CustomerFilters, type Search, selection, valuesOf } from "./customer-filters.js";
import { hasVisited, rangeOf, type SortRange } from "./customer-range.js";
import { type Read, readSnapshot } from "./read-report.js";

interface Sort {
  /** SQL over `customer_analytics a`. */
  readonly key: string;
  readonly type: "text" | "timestamptz" | "integer" | "bigint";
  readonly nullable?: true;
}

/** Each sort has its own index, `customer_analytics_..._idx`. */
const sorts = {
  name: {
    key: "customer_name(a.given_name, a.family_name, a.company_name)",
    type: "text",
    nullable: true,
  },
  last_visit_at: { key: "a.last_visit_at", type: "timestamptz", nullable: true },
  first_booking_at: { key: "a.first_booking_at", type: "timestamptz", nullable: true },
  next_booking_at: { key: "a.next_booking_at", type: "timestamptz", nullable: true },
  total_visits: { key: "a.total_visits", type: "integer" },
  total_revenue_cents: { key: "a.total_revenue_cents", type: "bigint" },
  net_revenue_cents: { key: "a.net_revenue_cents", type: "bigint" },
  avg_ticket_cents: { key: "a.avg_ticket_cents", type: "bigint" },
  overdue_at: { key: "a.overdue_at", type: "timestamptz", nullable: true },
} as const satisfies Record<string, Sort>;

export type CustomerSort = keyof typeof sorts;
export const customerSorts = Object.keys(sorts) as [CustomerSort, ...CustomerSort[]];

/** A position in a sorted list: the list goes on after this customer. `value` is the sort value as Postgres text. */
export interface Cursor {
  readonly value: string | null;
  readonly id: string;
}

export interface CustomerQuery extends CustomerFilters {
  readonly organizationId: string;
  /** The time zone of the local days `last_visit_from` and `last_visit_to`. */
  readonly timeZone: string;
  readonly sort: CustomerSort;
  readonly order: "asc" | "desc";
  readonly now: Date;
}

export interface CustomerPage {
  /** Whole rows, with the names of preferred location, technician and service. */
  readonly customers: readonly ApiRow[];
  /** The position of the next page. NULL on the last page. */
  readonly next: Cursor | null;
}

/**
 * The customers after a position, in the chosen order. NULL comes last, and square_customer_id breaks ties. Rows
 * are read as stored. While a server runs, a row that the clock changes is less than a minute late. Its
 * refresh_due_at has then passed.
 */
export async function readCustomers(
  pool: pg.Pool,
  query: CustomerQuery,
  after: Cursor | null,
  limit: number,
): Promise<CustomerPage> {
  return readSnapshot(pool, async (read) => {
    const range = rangeOf(query.sort, query, query.now, await segmentDaysFor(read, query));
    const reader = await rangeReader(read, query, range);
    const keys = await readKeys(reader, query, range, after, limit + 1);
    const page = keys.slice(0, limit);
    const rows = await read<Record<string, unknown>>(rowsStatement, [
      query.organizationId,
      page.map(({ id }) => id),
    ]);
    return { customers: rows.map(toApiRow), next: keys.length > limit ? (page.at(-1) ?? null) : null };
  });
}

/**
 * The part of a sorted list that one statement reads, by the sort's index:
 *
 * - `after`: customers after a position, ascending
 * - `below`: customers with a smaller value than the position, descending
 * - `equal`: customers with the same value, by id
 * - `null`: customers without a value, by id
 *
 * An index scan gives values and ids in the same direction. So descending values with ascending ids need several
 * reads.
 */
type KeyRange = "after" | "below" | "equal" | "null";

type RangeReader = (range: KeyRange, from: Partial<Cursor>, limit: number) => Promise<Cursor[]>;

async function readKeys(
  read: RangeReader,
  { sort, order }: CustomerQuery,
  range: SortRange,
  after: Cursor | null,
  limit: number,
): Promise<Cursor[]> {
  const inNulls = after !== null && after.value === null;
  const along = order === "asc" ? ascending : descending;
  const keys = inNulls || !range.values ? [] : await along(read, after, limit);
  if (keys.length === limit || !range.nulls || !("nullable" in sorts[sort])) return keys;
  const last = await read("null", inNulls ? { id: after.id } : {}, limit - keys.length);
  return [...keys, ...last];
}

async function ascending(read: RangeReader, after: Cursor | null, limit: number): Promise<Cursor[]> {
  return read("after", after ?? {}, limit);
}

async function descending(read: RangeReader, after: Cursor | null, limit: number): Promise<Cursor[]> {
  const keys = after ? await read("equal", after, limit) : [];
  if (keys.length === limit) return keys;
  const below = await read("below", { value: after?.value ?? null }, limit - keys.length);
  // More customers may have the last value, and some of them come before those that were read.
  const value = below.at(-1)?.value;
  const whole = below.filter((key) => key.value !== value);
  const last = value == null ? [] : await read("equal", { value }, below.length - whole.length);
  return [...keys, ...whole, ...last];
}

async function rangeReader(
  read: Read,
  query: CustomerQuery,
  { above, until }: SortRange,
): Promise<RangeReader> {
  const { organizationId, timeZone, sort, now, ...filters } = query;
  const search = await searchOf(read, query);
  const texts = statementsOf(sort, search);
  const filtering = {
    ...filters,
    // Who has visited is sought behind all who have not.
    min_visits: filters.min_visits ?? (hasVisited(filters) ? 1 : null),
    organization: organizationId,
    time_zone: timeZone,
    now,
    above,
    until,
  };
  return async (range, { value = null, id = null }, limit) => {
    const { walk, filter } = texts[range];
    const asked = { ...filtering, limit, cursor_value: value, cursor_id: id };
    for (const rows of WALKS) {
      const values = valuesOf({ ...asked, walk: Math.max(rows, 4 * limit) });
      const keys = await read<Cursor>({ name: `customers_${range}_walk`, text: walk }, values);
      if (keys.length === limit) return keys;
    }
    return read<Cursor>({ name: `customers_${range}_filter`, text: filter }, valuesOf(asked));
  };
}

const segmentDaysStatement = {
  name: "customers_segment_days",
  text: `
    select ${segmentDayNames.map((name) => `${segmentDays(name)} as ${name}`).join(", ")}
    from organizations where id = $1`,
};

async function segmentDaysFor(read: Read, { organizationId, segment }: CustomerQuery) {
  if (segment === undefined) return undefined;
  const [days] = await read<SegmentDays>(segmentDaysStatement, [organizationId]);
  return days;
}

// Indexes: primary keys of customer_analytics and customer_aliases.
const isIdStatement = {
  name: "customers_is_id",
  text: `
    select exists (select from customer_analytics where organization_id = $1 and square_customer_id = $2)
      or exists (select from customer_aliases where organization_id = $1 and from_customer_id = $2) as is_id`,
};

async function searchOf(read: Read, { organizationId, q }: CustomerQuery): Promise<Search> {
  if (q === undefined) return "nothing";
  const [found] = await read<{ is_id: boolean }>(isIdStatement, [organizationId, q]);
  return found?.is_id ? "id" : "text";
}

/** Rows of the sort's index that are looked through, first and then, before the filters are asked first. */
const WALKS = [4_000, 40_000];

interface Statements {
  /** Reads along the sort's index, and finds too few where customers who pass the filters are rare. */
  readonly walk: string;
  /** Reads by the filters' indexes and sorts what it found. */
  readonly filter: string;
}

/**
 * The statements of a sort for each part. The planner takes filters and sort for independent, and would look for new
 * customers with most visits among all customers. So a walk is limited, and says by what it finds whether it was
 * worth it.
 */
function statementsOf(sort: CustomerSort, search: Search): Readonly<Record<KeyRange, Statements>> {
  const { key, type } = sorts[sort];
  const value = `${$.cursor_value}::${type}`;
  const id = `${$.cursor_id}::text`;
  const bound = (at: string, compared: string) =>
    `(${at}::timestamptz is null or ${type === "timestamptz" ? `${key} ${compared} ${at}` : "true"})`;
  const least = `(${$.min_visits}::integer is null or ${sort === "total_visits" ? `${key} >= ${$.min_visits}` : "true"})`;
  const bounds = `${bound($.above, ">")} and ${bound($.until, "<=")} and ${least}`;
  const noBounds = `(${$.above}::timestamptz is null or true) and (${$.until}::timestamptz is null or true)`;
  const behindId = `(${id} is null or a.square_customer_id > ${id})`;

  /** @param descending by values only: the ids of equal ones are sorted afterwards */
  function statements(where: string, order: (key: string) => string, descending = false): Statements {
    const written = (keys: string) =>
      `select id, value::text as value from (${keys}) as found order by ${descending ? "found.value desc, " : "found.value, "}id`;
    const walked = `(
      select a.*, ${key} as value from customer_analytics a
      where a.organization_id = ${$.organization} and ${where}
      order by ${order(key)} limit ${$.walk}::integer
    ) as a`;
    return {
      walk: written(`select a.square_customer_id as id, a.value ${selection(search, walked)}
        order by ${order("a.value")} limit ${$.limit}`),
      filter: written(`select a.square_customer_id as id, a.value from (
          select a.square_customer_id, ${key} as value ${selection(search)} and ${where}
            and ${$.walk}::integer is null offset 0
        ) as a order by ${order("a.value")} limit ${$.limit}`),
    };
  }

  const byValue = (sorted: string) => `${sorted}, a.square_customer_id`;
  return {
    after: statements(
      `${bounds} and ${key} is not null and (${value} is null or (${key}, a.square_customer_id) > (${value}, ${id}))`,
      byValue,
    ),
    below: statements(
      `${bounds} and ${key} is not null and (${value} is null or ${key} < ${value}) and ${id} is null`,
      (sorted) => `${sorted} desc`,
      true,
    ),
    equal: statements(`${bounds} and ${key} = ${value} and ${behindId}`, () => "a.square_customer_id"),
    null: statements(
      `${noBounds} and ${key} is null and ${value} is null and ${behindId}`,
      () => "a.square_customer_id",
    ),
  };
}

// Indexes: primary keys.
const rowsStatement = {
  name: "customers_rows",
  text: `
    select a.*, coalesce(l.name, a.preferred_location_id) as preferred_location_name,
      nullif(concat_ws(' ', t.given_name, t.family_name), '') as preferred_technician_name,
      v.name as preferred_service_name
    from unnest($2::text[]) with ordinality as page (id, position)
    join customer_analytics a on a.organization_id = $1 and a.square_customer_id = page.id
    left join locations l on l.organization_id = $1 and l.square_location_id = a.preferred_location_id
    left join team_members t on t.organization_id = $1 and t.square_team_member_id = a.preferred_technician_id
    left join service_variations v
      on v.organization_id = $1 and v.square_variation_id = a.preferred_service_variation_id
    order by page.position`,
};
