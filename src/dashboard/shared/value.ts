/** Any column's value in words, by what the dictionary says of it. */
import type { ColumnEntry, Money } from "../api/types.js";
import { count, day, dayIn, money, percent, time, words } from "./format.js";
import { nameInWords } from "./name.js";

export interface ValueContext {
  readonly currency: string;
  readonly timeZone: string;
  /** Of what columns hold the ids of. */
  readonly names: ReadonlyMap<string, string>;
  /** Days instead of times, as a table has room for. */
  readonly short?: boolean;
}

export const NOTHING = "–";

/** Columns whose values are words of Square's or of the dictionary, in capitals. */
const CODES = new Set(["customer_type", "visit_frequency", "creation_source", "preferred_payment_source"]);

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

export function valueInWords(
  { name, type, unit }: Pick<ColumnEntry, "name" | "type" | "unit">,
  value: unknown,
  { currency, timeZone, names, short = false }: ValueContext,
): string {
  if (value === null || value === undefined) return NOTHING;
  if (unit === "minor units") return money(value as Money, currency);
  if (unit === "ratio") return percent(Number(value), 1);
  if (unit === "days") return `${value} ${Number(value) === 1 ? "day" : "days"}`;
  if (unit === "hours") return `${value} ${Number(value) === 1 ? "hour" : "hours"}`;
  if (unit === "minutes") return `${count(value as Money)} min`;
  if (type === "timestamptz") {
    return short ? day(dayIn(new Date(String(value)), timeZone)) : time(String(value), timeZone);
  }
  if (name === "customer_segment") return SEGMENT_WORDS[value as keyof typeof SEGMENT_WORDS];
  if (type === "boolean") return value ? "yes" : "no";
  // Square writes a birthday whose year it does not know with the year 0000.
  if (name === "birthday") return String(value).replace(/^0000-/, "");
  if (name === "preferred_weekday") return WEEKDAYS[Number(value) - 1] ?? String(value);
  if (name === "preferred_hour") return `${String(value).padStart(2, "0")}:00`;
  if (Array.isArray(value)) return `${value.length} ${value.length === 1 ? "entry" : "entries"}`;
  if (CODES.has(name)) return words(String(value));
  if (holdsId(name)) return nameInWords(String(value), names.get(String(value)));
  return typeof value === "number" ? count(value) : String(value);
}

/** Whether a column holds the id of a location, a team member or a service. */
export const holdsId = (column: string) => /_(location|technician|service_variation)_id$/.test(column);

/** Whether a column is written flush right. */
export function isNumeric({ type }: Pick<ColumnEntry, "type">): boolean {
  return ["integer", "smallint", "bigint"].includes(type) || type.startsWith("numeric");
}

/** What a customer is called. */
export function nameOf(customer: {
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly company_name: string | null;
}): string | null {
  const { given_name, family_name, company_name } = customer;
  return [given_name, family_name].filter(Boolean).join(" ") || company_name;
}

export const SEGMENT_WORDS = {
  NEW: "New",
  ACTIVE: "Active",
  AT_RISK: "At risk",
  LOST: "Lost",
  NEVER_VISITED: "Never visited",
} as const;
