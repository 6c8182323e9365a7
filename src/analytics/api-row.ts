import { columns } from "./columns/catalogue.js";

/** A row in the API, the command line and the CSV: column names as in Postgres, plain JSON values. */
export type ApiRow = Record<string, unknown>;

const numericColumns = new Set(
  columns.filter(({ type }) => type.startsWith("numeric")).map(({ name }) => name),
);

/**
 * Turns a row from the driver into plain JSON. Money, counts and rates become numbers. An integer that a JSON number
 * cannot hold exactly (past 2^53) becomes a string. Instants become RFC 3339 in UTC with milliseconds.
 */
export function toApiRow(row: Readonly<Record<string, unknown>>): ApiRow {
  const plain: ApiRow = {};
  for (const name in row) plain[name] = toApiValue(name, row[name]);
  return plain;
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
