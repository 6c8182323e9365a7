import { columns } from "./columns/catalogue.js";

/** A row as the API, the command line and the CSV show it: column names as in Postgres, plain JSON values. */
export type ApiRow = Record<string, unknown>;

const numericColumns = new Set(
  columns.filter(({ type }) => type.startsWith("numeric")).map(({ name }) => name),
);

/**
 * Turns a row as the driver gives it into plain JSON: money and counts as numbers (a string past 2^53, where a number
 * would be wrong), instants as RFC 3339 in UTC with milliseconds, rates as numbers.
 */
export function toApiRow(row: Readonly<Record<string, unknown>>): ApiRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toApiValue(name, value)]));
}

function toApiValue(name: string, value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "string" && numericColumns.has(name)) return Number(value);
  return value;
}
