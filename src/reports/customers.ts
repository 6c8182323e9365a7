import type pg from "pg";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import { type SegmentDays, segmentDayNames, segmentDays } from "../analytics/rules.js";
import {
  $,
  type CustomerFilters,
  filteredColumns,
  type Parameters,
  type Search,
  selection,
  valuesOf,
} from "./customer-filters.js";
import { rangeOf, type SortRange } from "./customer-range.js";
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
  ways = usualWays,
): Promise<CustomerPage> {
  return readSnapshot(pool, async (read) => {
    const range = await sortRangeFor(read, query);
    const reader = await rangeReader(read, query, range, ways);
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
  { least, most }: SortRange,
  ways: Ways,
): Promise<RangeReader> {
  const { organizationId, timeZone, sort, now, ...filters } = query;
  const search = await searchOf(read, query);
  const texts = statementsOf(sort, search);
  const filtering = { ...filters, organization: organizationId, time_zone: timeZone, now, least, most };
  let estimated: Promise<number> | undefined;
  return async (range, { value = null, id = null }, limit) => {
    const { walk, filter } = texts[range];
    const asked = { ...filtering, limit, cursor_value: value, cursor_id: id };
    const byWalk = (rows: number) =>
      read<Cursor>(
        { name: `customers_${range}_walk`, text: walk },
        valuesOf({ ...asked, rows: Math.max(rows, 4 * limit) }),
      );
    const byFilters = (rows: number | null) =>
      read<Cursor & { readonly seen: number }>(
        { name: `customers_${range}_filter`, text: filter },
        valuesOf({ ...asked, rows }),
      );
    const near = await byWalk(ways.walk);
    if (near.length === limit) return near;
    estimated ??= estimate(read, search, filtering);
    if ((await estimated) <= ways.few) {
      const few = await byFilters(ways.mostOfFew);
      if ((few[0]?.seen ?? 0) < ways.mostOfFew) return few;
    }
    const far = await byWalk(ways.longWalk);
    return far.length === limit ? far : byFilters(null);
  };
}

/** How many customers pass the filters, by the planner's statistics. */
async function estimate(read: Read, search: Search, filtering: Parameters): Promise<number> {
  const unused = [$.limit, $.rows, $.least, $.most, $.cursor_value, $.cursor_id];
  const text = `explain (format json) select ${selection(search)}
    and ${unused.map((parameter) => `${parameter}::text is null`).join(" and ")}`;
  const values = valuesOf({ ...filtering, least: null, most: null });
  const [row] = await read<{ "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }>(
    { name: "customers_estimate", text },
    values,
  );
  return row ? row["QUERY PLAN"][0].Plan["Plan Rows"] : 0;
}

// Index: primary key.
const boundsStatement = {
  name: "customers_bounds",
  text: `
    select ${segmentDayNames.map((name) => `${segmentDays(name)} as ${name}`).join(", ")},
      local_midnight($2::date, $4) as last_visit_from, local_midnight($3::date + 1, $4) as last_visit_to
    from organizations where id = $1`,
};

type BoundsRow = SegmentDays & {
  readonly last_visit_from: Date | null;
  readonly last_visit_to: Date | null;
};

/** In which part of the order those lie who pass the filters. */
async function sortRangeFor(read: Read, query: CustomerQuery): Promise<SortRange> {
  const { organizationId, timeZone, segment, last_visit_from, last_visit_to } = query;
  if (!segment && !last_visit_from && !last_visit_to) return rangeOf(query.sort, query, query.now, undefined);
  const values = [organizationId, last_visit_from ?? null, last_visit_to ?? null, timeZone];
  const [row] = await read<BoundsRow>(boundsStatement, values);
  return rangeOf(query.sort, query, query.now, row);
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

/** How a page is found: by a walk, by the filters if few pass, by a long walk, and by the filters in any case. */
export interface Ways {
  /** Rows of the sort's index that are looked through first. */
  readonly walk: number;
  /** So few customers are sooner read by the filters' indexes and sorted than found by a longer walk. */
  readonly few: number;
  /** The estimate of few customers was wrong if the filters find so many. */
  readonly mostOfFew: number;
  readonly longWalk: number;
}

const usualWays: Ways = { walk: 2_500, few: 8_000, mostOfFew: 32_000, longWalk: 40_000 };

interface Statements {
  /** Reads along the sort's index, and finds too few where customers who pass the filters are rare. */
  readonly walk: string;
  /** Reads by the filters' indexes and sorts what it found. It also tells how many it found. */
  readonly filter: string;
}

const walkedColumns = ["organization_id", "square_customer_id", ...filteredColumns]
  .map((name) => `a.${name}`)
  .join(", ");

/**
 * The statements of a sort for each part. The planner takes filters and sort for independent, and would look for new
 * customers with most visits among all customers. So a walk is limited, and says by what it finds whether it was
 * worth it.
 */
function statementsOf(sort: CustomerSort, search: Search): Readonly<Record<KeyRange, Statements>> {
  const { key, type } = sorts[sort];
  const value = `${$.cursor_value}::${type}`;
  const id = `${$.cursor_id}::text`;
  const bounds = `(${$.least}::${type} is null or ${key} >= ${$.least}) and (${$.most}::${type} is null or ${key} <= ${$.most})`;
  const noBounds = `(${$.least}::text is null or true) and (${$.most}::text is null or true)`;
  const behindId = `(${id} is null or a.square_customer_id > ${id})`;

  /** @param descending by values only: the ids of equal ones are sorted afterwards */
  function statements(where: string, order: (key: string) => string, descending = false): Statements {
    const written = (keys: string, more = "") =>
      `select id, value::text as value${more} from (${keys}) as found order by ${descending ? "found.value desc, " : "found.value, "}id`;
    const walked = `(
      select ${walkedColumns}, ${key} as value from customer_analytics a
      where a.organization_id = ${$.organization} and ${where}
      order by ${order(key)} limit ${$.rows}::integer
    ) as a`;
    return {
      walk: written(`select a.square_customer_id as id, a.value ${selection(search, walked)}
        order by ${order("a.value")} limit ${$.limit}`),
      filter: `
        with found as materialized (
          select a.square_customer_id as id, ${key} as value ${selection(search)} and ${where} limit ${$.rows}::integer
        ),
        page as (select * from found as a order by ${order("a.value").replaceAll("a.square_customer_id", "a.id")} limit ${$.limit})
        ${written("select * from page", ", (select count(*)::integer from found) as seen")}`,
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
