import { $, filteredColumns, type Search, selection, unread } from "./customer-filters.js";

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

/** Whether some customers have no value to sort by. */
export const isNullable = (sort: CustomerSort) => "nullable" in sorts[sort];

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
export type WalkedPart = "after" | "below" | "equal" | "null";

/** Behind the customers that a walk found: the part goes on behind the rows that it looked through. */
export interface Cut {
  readonly id: null;
}

interface Statements {
  /** Reads along the sort's index, and finds too few where customers who pass the filters are rare. */
  readonly walks: Readonly<Record<WalkedPart, string>>;
  /** Reads by the filters' indexes, sorts what it found, and tells how many that were. */
  readonly filter: string;
}

const walkedColumns = ["organization_id", "square_customer_id", ...filteredColumns]
  .map((name) => `a.${name}`)
  .join(", ");

/**
 * The statements of a sort. The planner takes filters and sort for independent, and would look for new customers with
 * most visits among all customers. So a walk is limited, and says whether it was cut.
 */
export function statementsOf(sort: CustomerSort, order: "asc" | "desc", search: Search): Statements {
  const { key, type } = sorts[sort];
  const value = `${$.cursor_value}::${type}`;
  const id = `${$.cursor_id}::text`;
  const bounds = `(${$.least}::${type} is null or ${key} >= ${$.least}) and (${$.most}::${type} is null or ${key} <= ${$.most})`;
  const behindId = `(${id} is null or a.square_customer_id > ${id})`;
  const byValue = `${key}, a.square_customer_id`;

  /** @param sorted the order in the index; equal values are sorted by id afterwards */
  function walk(where: string, sorted: string): string {
    const part = `from customer_analytics a where a.organization_id = ${$.organization} and ${where}`;
    const walked = `(
          select ${walkedColumns}, ${key} as value ${part} order by ${sorted} limit ${$.rows}::integer
        ) as a`;
    return `
      select id, value::text as value from (
        (select a.square_customer_id as id, a.value ${selection(search, walked)} limit ${$.limit})
        union all
        (select null, null ${part} and ${$.rows}::integer is not null order by ${sorted} limit 1 offset ${$.rows}::integer)
        limit ${$.limit}
      ) as found
      where ${unread(["with_values", "with_nulls"])}
      order by id is null, ${sorted === byDescendingValue ? "found.value desc" : "found.value"}, id`;
  }

  const byDescendingValue = `${key} desc`;
  const isBehind = order === "asc" ? ">" : "<";
  return {
    walks: {
      after: walk(
        `${bounds} and ${key} is not null and (${value} is null or (${key}, a.square_customer_id) > (${value}, ${id}))`,
        byValue,
      ),
      below: walk(
        `${bounds} and ${key} is not null and (${value} is null or ${key} < ${value}) and ${id} is null`,
        byDescendingValue,
      ),
      equal: walk(`${bounds} and ${key} = ${value} and ${behindId}`, "a.square_customer_id"),
      null: walk(
        `${unread(["least", "most", "cursor_value"])} and ${key} is null and ${behindId}`,
        "a.square_customer_id",
      ),
    },
    filter: `
      with found as materialized (
        select a.square_customer_id as id, ${key} as value ${selection(search)}
          and (${$.with_nulls}::boolean or ${key} is not null) and (${$.with_values}::boolean or ${key} is null)
          and (${$.with_nulls} and ${key} is null or ${bounds})
          and (${id} is null or ${key} ${isBehind} ${value} or ${key} = ${value} and a.square_customer_id > ${id}
            or ${key} is null and (${value} is not null or a.square_customer_id > ${id}))
        limit ${$.rows}::integer
      )
      select id, value::text as value, (select count(*)::integer from found) as seen from found
      order by found.value ${order} nulls last, id limit ${$.limit}`,
  };
}
