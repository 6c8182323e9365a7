import { stringify } from "csv-stringify/sync";
import type { ApiRow } from "../analytics/api-row.js";
import { columns } from "../analytics/columns/catalogue.js";
import { bookkeepingColumns } from "../analytics/statement.js";

/** The header of the customers' CSV. */
export const csvColumns: readonly string[] = [
  "organization_id",
  "square_customer_id",
  ...columns.map(({ name }) => name),
  ...bookkeepingColumns,
  "preferred_location_name",
  "preferred_technician_name",
  "preferred_service_name",
];

/**
 * Writes lines of the customers' CSV: RFC 4180, values as in JSON, NULL empty. A byte order mark precedes the header.
 * Spreadsheets recognize UTF-8 by it.
 */
export function csvPage(rows: readonly ApiRow[], { header }: { readonly header: boolean }): string {
  return stringify([...rows], {
    columns: [...csvColumns],
    header,
    bom: header,
    record_delimiter: "windows",
    quoted_match: /[\r\n]/,
    cast: {
      boolean: (value) => String(value),
      object: (value) => JSON.stringify(value),
      string: inert,
    },
  });
}

/** A number or phone number with a sign. */
const SIGNED_NUMBER = /^[+-][\d ().-]+$/;

/** Puts an apostrophe before a text that a spreadsheet would run as a formula. */
function inert(text: string): string {
  const isFormula = /^[=@\t]/.test(text) || (/^[+-]/.test(text) && !SIGNED_NUMBER.test(text));
  return isFormula ? `'${text}` : text;
}
