import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import type { ApiRow } from "../analytics/api-row.js";
import { columns } from "../analytics/columns/catalogue.js";
import { bookkeepingColumns } from "../analytics/statement.js";

/** The header of the customers' CSV. */
export const csvColumns = [
  "organization_id",
  "square_customer_id",
  ...columns.map(({ name }) => name),
  ...bookkeepingColumns,
  "preferred_location_name",
  "preferred_technician_name",
  "preferred_service_name",
] as const satisfies readonly string[];

/** Spreadsheets recognize UTF-8 by it. */
const BYTE_ORDER_MARK = "\uFEFF";

/** The first line of a CSV, behind a byte order mark. */
export function csvHeader(columns: readonly string[]): string {
  return `${BYTE_ORDER_MARK}${columns.join(",")}\r\n`;
}

/** Writes lines of a CSV: RFC 4180, values as in JSON, NULL empty. */
export function csvLines(columns: readonly string[], rows: readonly ApiRow[]): string {
  let lines = "";
  for (const row of rows) {
    for (const [at, name] of columns.entries()) lines += (at === 0 ? "" : ",") + cell(row[name]);
    lines += "\r\n";
  }
  return lines;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return quoted(inert(value));
  return typeof value === "object" ? quoted(JSON.stringify(value)) : String(value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** How routes describe a CSV. */
export const csvAnswer = {
  description: "A header, and one line for each row",
  content: { "text/csv": { schema: z.string() } },
};

/** Headers of an answer that a browser stores as `name`.csv. */
export function csvHeaders(reply: FastifyReply, name: string): void {
  reply.type("text/csv; charset=utf-8");
  reply.header("content-disposition", `attachment; filename="${name}.csv"`);
}

/** A page of a list. */
export interface Page<Place> {
  readonly rows: readonly ApiRow[];
  /** The position of the next page. NULL on the last page. */
  readonly next: Place | null;
}

/**
 * Sends all pages of a list as one CSV that a browser stores as `name`.csv. When the first page cannot be read, the
 * answer is an error and no CSV.
 */
export async function sendPages<Place>(
  reply: FastifyReply,
  name: string,
  columns: readonly string[],
  read: (after: Place | null) => Promise<Page<Place>>,
): Promise<FastifyReply> {
  const first = await read(null);
  csvHeaders(reply, name);
  return reply.send(Readable.from(pages(columns, first, read)));
}

/**
 * Reads page after page. The next page is read while this one is written and sent, so at most two are in memory. None
 * is read when the client has gone.
 */
async function* pages<Place>(
  columns: readonly string[],
  first: Page<Place>,
  read: (after: Place) => Promise<Page<Place>>,
): AsyncGenerator<string> {
  yield csvHeader(columns);
  for (let page: Page<Place> | undefined = first; page; ) {
    const following: Promise<Page<Place>> | undefined = page.next ? read(page.next) : undefined;
    // Awaited below, unless the client goes before.
    following?.catch(() => {});
    yield csvLines(columns, page.rows);
    page = await following;
  }
}

/** A number or phone number with a sign. */
const SIGNED_NUMBER = /^[+-][\d ().-]+$/;

/** Puts an apostrophe before a text that a spreadsheet would run as a formula. */
function inert(text: string): string {
  const isFormula = /^[=@\t]/.test(text) || (/^[+-]/.test(text) && !SIGNED_NUMBER.test(text));
  return isFormula ? `'${text}` : text;
}
