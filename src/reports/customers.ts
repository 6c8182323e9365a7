import type pg from "pg";
import { type ApiRow, toApiRow } from "../analytics/api-row.js";
import { type SegmentDays, segmentDayNames, segmentDays } from "../analytics/rules.js";
import {
  type CustomerFilters,
  type Parameters,
  type Search,
  selection,
  unread,
  valuesOf,
} from "./customer-filters.js";
import { rangeOf, type SortRange } from "./customer-range.js";
import {
  type CustomerSort,
  type Cut,
  isNullable,
  statementsOf,
  type WalkedPart,
} from "./customer-statements.js";
import { type Read, readSnapshot } from "./read-report.js";

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
  ways = waysOf(query),
): Promise<CustomerPage> {
  return readSnapshot(pool, async (read) => {
    const keys = await findKeys(read, query, after, limit + 1, ways);
    const page = keys.slice(0, limit);
    const rows = await read<Record<string, unknown>>(rowsStatement, [
      query.organizationId,
      page.map(({ id }) => id),
    ]);
    return { customers: rows.map(toApiRow), next: keys.length > limit ? (page.at(-1) ?? null) : null };
  });
}

/** Finds the keys of a page in one of the ways. Each of them finds the same. */
async function findKeys(
  read: Read,
  query: CustomerQuery,
  after: Cursor | null,
  limit: number,
  ways: Ways,
): Promise<readonly Cursor[]> {
  const { organizationId, timeZone, sort, order, now, ...filters } = query;
  const range = await sortRangeFor(read, query);
  const search = await searchOf(read, query);
  const { walks, filter } = statementsOf(sort, order, search);
  const filtering = {
    ...{ ...filters, organization: organizationId, time_zone: timeZone, now },
    ...{ least: range.least, most: range.most },
  };
  const byWalk = (rows: number | null) =>
    walkAlong({ sort, order }, range, after, limit, (part, from, count) =>
      read<Cursor | Cut>(
        { name: `customers_${part}`, text: walks[part] },
        valuesOf({
          ...{ ...filtering, limit: count, rows: rows && Math.max(rows, 4 * count) },
          ...{ cursor_value: from.value, cursor_id: from.id },
        }),
      ),
    );
  const byFilters = (rows: number | null) =>
    read<Cursor & { readonly seen: number }>(
      { name: "customers_filtered", text: filter },
      valuesOf({
        ...{ ...filtering, limit, rows, with_values: range.values, with_nulls: range.nulls },
        ...{ cursor_value: after?.value, cursor_id: after?.id },
      }),
    );

  const near = await byWalk(ways.walk);
  if (near) return near;
  if ((await estimate(read, search, filtering)) <= ways.few) {
    const few = await byFilters(ways.mostOfFew);
    if ((few[0]?.seen ?? 0) < ways.mostOfFew) return few;
  }
  return (await byWalk(ways.longWalk)) ?? byFilters(null);
}

type PartReader = (
  part: WalkedPart,
  from: Partial<Cursor>,
  limit: number,
) => Promise<readonly (Cursor | Cut)[]>;

/** @returns undefined if the walk ended before it had found the page */
async function walkAlong(
  { sort, order }: Pick<CustomerQuery, "sort" | "order">,
  range: SortRange,
  after: Cursor | null,
  limit: number,
  readPart: PartReader,
): Promise<readonly Cursor[] | undefined> {
  let isCut = false;
  const read: Reader = async (part, from, count) => {
    if (isCut || count === 0) return [];
    const found = await readPart(part, from, count);
    const keys = found.filter((key) => key.id !== null);
    isCut = keys.length < found.length;
    return keys;
  };
  const isInNulls = after !== null && after.value === null;
  const along = order === "asc" ? ascending : descending;
  const keys = isInNulls || !range.values ? [] : await along(read, after, limit);
  const hasNulls = range.nulls && isNullable(sort);
  const last = hasNulls ? await read("null", isInNulls ? { id: after.id } : {}, limit - keys.length) : [];
  return isCut ? undefined : [...keys, ...last];
}

type Reader = (part: WalkedPart, from: Partial<Cursor>, limit: number) => Promise<readonly Cursor[]>;

function ascending(read: Reader, after: Cursor | null, limit: number): Promise<readonly Cursor[]> {
  return read("after", after ?? {}, limit);
}

async function descending(read: Reader, after: Cursor | null, limit: number): Promise<readonly Cursor[]> {
  const keys = after ? await read("equal", after, limit) : [];
  const below = await read("below", { value: after?.value ?? null }, limit - keys.length);
  // More customers may have the last value, and some of them come before those that were read.
  const value = below.at(-1)?.value;
  const whole = below.filter((key) => key.value !== value);
  const last = value == null ? [] : await read("equal", { value }, below.length - whole.length);
  return [...keys, ...whole, ...last];
}

/** How many customers pass the filters, by the planner's statistics. */
async function estimate(read: Read, search: Search, filtering: Parameters): Promise<number> {
  const unused = [
    "limit",
    "rows",
    "least",
    "most",
    "cursor_value",
    "cursor_id",
    "with_values",
    "with_nulls",
  ] as const;
  const text = `explain (format json) select ${selection(search)} and ${unread(unused)}`;
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

/** How a page is found: by a walk, by the filters if few pass, by a long walk, and at last by the filters in any case. */
export interface Ways {
  /** Rows of the sort's index that are looked through first. */
  readonly walk: number;
  /** So few customers are sooner read by the filters' indexes and sorted than found by a longer walk. */
  readonly few: number;
  /** The estimate of few customers was wrong if the filters find so many. */
  readonly mostOfFew: number;
  /** NULL: all rows. Then the filters are not needed. */
  readonly longWalk: number | null;
}

/** A walk that reads its index alone: 0.3 us for each row. */
const indexWays: Ways = { walk: 10_000, few: 8_000, mostOfFew: 32_000, longWalk: null };

/** A walk that reads rows too, which costs about five times as much. */
const rowWays: Ways = { walk: 1_500, few: 8_000, mostOfFew: 32_000, longWalk: 40_000 };

/** The indexes hold no names and birthdays, and words are searched in the profiles. */
function waysOf({ sort, q, birthday_month }: CustomerQuery): Ways {
  return sort === "name" || q !== undefined || birthday_month !== undefined ? rowWays : indexWays;
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
