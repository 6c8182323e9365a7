/** The filters of the customer list, as SQL over `customer_analytics a`. */

export interface CustomerFilters {
  readonly segment?: readonly string[] | undefined;
  readonly customer_type?: readonly string[] | undefined;
  readonly visit_frequency?: readonly string[] | undefined;
  /** Filters by preferred_location_id. */
  readonly location_id?: string | undefined;
  /** Filters by preferred_technician_id. */
  readonly technician_id?: string | undefined;
  readonly overdue?: boolean | undefined;
  /** Customers without an upcoming booking who become overdue within this number of days. */
  readonly due_within_days?: number | undefined;
  readonly upcoming?: boolean | undefined;
  readonly min_visits?: number | undefined;
  /** Local days of the organization, both included. */
  readonly last_visit_from?: string | undefined;
  readonly last_visit_to?: string | undefined;
  readonly birthday_month?: number | undefined;
  /** Words of the name or company, an e-mail, a phone number by their beginning or end, or a Square id. */
  readonly q?: string | undefined;
}

/** The parameters of the list's statements, in order. */
const parameters = [
  "organization",
  "limit",
  "rows",
  "cursor_value",
  "cursor_id",
  "with_values",
  "with_nulls",
  "least",
  "most",
  "q",
  "now",
  "time_zone",
  "segment",
  "customer_type",
  "visit_frequency",
  "location_id",
  "technician_id",
  "overdue",
  "due_within_days",
  "upcoming",
  "min_visits",
  "last_visit_from",
  "last_visit_to",
  "birthday_month",
] as const;

/** A parameter that is left out is NULL. */
export type Parameters = Readonly<Partial<Record<(typeof parameters)[number], unknown>>>;

/** The parameters as SQL: `$1`, ... */
export const $ = Object.fromEntries(parameters.map((name, at) => [name, `$${at + 1}`])) as Readonly<
  Record<(typeof parameters)[number], string>
>;

export function valuesOf(given: Parameters): unknown[] {
  return parameters.map((name) => given[name] ?? null);
}

/** A condition that always holds and names parameters that a statement has no other use for. Postgres then knows their type. */
export function unread(names: readonly (keyof typeof $)[]): string {
  return names.map((name) => `(${$[name]}::text is null or true)`).join(" and ");
}

/** A condition that applies only if its parameter is given. The planner removes it when the parameter is NULL. */
const given = (name: keyof typeof $, type: string, condition: (value: string) => string) =>
  `(${$[name]}::${type} is null or ${condition(`${$[name]}::${type}`)})`;

const conditions = [
  given("segment", "text[]", (value) => `a.customer_segment = any (${value})`),
  given("customer_type", "text[]", (value) => `a.customer_type = any (${value})`),
  given("visit_frequency", "text[]", (value) => `a.visit_frequency = any (${value})`),
  given("location_id", "text", (value) => `a.preferred_location_id = ${value}`),
  given("technician_id", "text", (value) => `a.preferred_technician_id = ${value}`),
  given("overdue", "boolean", (value) => `a.is_overdue = ${value}`),
  given(
    "due_within_days",
    "integer",
    (value) => `(a.upcoming_bookings = 0 and a.overdue_at > ${$.now}::timestamptz
      and a.overdue_at <= ${$.now}::timestamptz + ${value} * interval '24 hours')`,
  ),
  given("upcoming", "boolean", (value) => `(a.upcoming_bookings > 0) = ${value}`),
  given("min_visits", "integer", (value) => `a.total_visits >= ${value}`),
  given(
    "last_visit_from",
    "date",
    (value) => `a.last_visit_at >= local_midnight(${value}, ${$.time_zone}::text)`,
  ),
  given(
    "last_visit_to",
    "date",
    (value) => `a.last_visit_at < local_midnight(${value} + 1, ${$.time_zone}::text)`,
  ),
  given(
    "birthday_month",
    "integer",
    (value) => `a.birthday like '____-' || lpad(${value}::text, 2, '0') || '-%'`,
  ),
];

/**
 * What the conditions read. The indexes of the orders hold it, so a walk along one of them reads no rows. Two things
 * they do not hold: a birthday, and anything of the order by name (migration 0017).
 */
export const filteredColumns = [
  "customer_segment",
  "customer_type",
  "visit_frequency",
  "preferred_location_id",
  "preferred_technician_id",
  "is_overdue",
  "upcoming_bookings",
  "overdue_at",
  "total_visits",
  "last_visit_at",
  "birthday",
] as const;

/** How `q` finds customers: `nothing` without `q`, `id` when `q` is a customer's Square id, else `text`. */
export type Search = "nothing" | "text" | "id";

const matches = `c.search @@ customer_search_query(${$.organization}, ${$.q}::text)`;

/**
 * A `from` and `where` over the customers that pass the filters.
 *
 * @param some a relation of some of the customers, in place of all
 */
export function selection(search: Search, some?: string): string {
  const relation = some ?? "customer_analytics a";
  const where = `a.organization_id = ${$.organization}`;
  const found = {
    nothing: `from ${relation} where ${where} and ${$.q}::text is null`,
    // Index: customers_search_idx, or the primary key of customers for each row of the sort's index.
    text: `from ${relation}
      join customers c on c.organization_id = ${$.organization} and c.square_customer_id = a.square_customer_id
      where ${where} and ${matches}`,
    // A customer may have no profile.
    id: `from ${relation} where ${where} and a.square_customer_id in (
        select c.square_customer_id from customers c where c.organization_id = ${$.organization} and ${matches}
        union all
        select coalesce((
          select to_customer_id from customer_aliases
          where organization_id = ${$.organization} and from_customer_id = ${$.q}::text
        ), ${$.q}::text)
      )`,
  };
  return `${found[search]}
      and ${conditions.join("\n      and ")}`;
}
