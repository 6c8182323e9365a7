import { type Queryable, queryUnprepared, type Statement } from "../database/query.js";
import { type CustomerIds, idsNamingCustomer } from "../inbox/customer-ids.js";
import { EXPORT_HEADER, EXPORTED_EVENT } from "../inbox/event-file.js";
import {
  type ExportKind,
  eventsAboutCustomer,
  exportKinds,
  organizationStatement,
  pageAboutCustomer,
  pageOfAll,
} from "./export-kinds.js";
import { type JsonRow, readJsonRows } from "./json-rows.js";

/**
 * Exports the stored data of an organization, or about one of its customers, as lines of JSON. It reads pages by key.
 * So memory stays constant, nothing is locked, and an interrupted export can continue after any line. Each object is
 * exported as it is when its page is read.
 */

/** Version of the lines' shape. */
const FORMAT = 1;

/** The most rows of a page, and its intended size in bytes. A payload can have 1 MiB. */
const PAGE_ROWS = 1000;
const PAGE_BYTES = 4 * 1024 * 1024;
const FIRST_PAGE_ROWS = 100;

export interface ExportScope {
  readonly organizationId: string;
  /** Null for all customers. */
  readonly customer: CustomerIds | null;
}

/** An object's position in the order of an export. An interrupted export continues after it. */
export interface ExportPosition {
  readonly type: string;
  readonly key: readonly string[];
}

export interface ExportPage {
  readonly type: string;
  readonly lines: readonly string[];
  /** How many rows were read to find these lines. */
  readonly read: number;
}

/** Columns that are not exported. The header names the organization, and an order key follows from the object. */
const LEFT_OUT: ReadonlySet<string> = new Set(["organization_id", "order_key", "scanned_key"]);

/** The first line of an export. */
export interface ExportHeader {
  readonly type: typeof EXPORT_HEADER;
  readonly format: number;
  readonly organization_id: string;
  readonly customer_id: string | null;
  readonly begun_at: string;
}

export function exportHeader({ organizationId, customer }: ExportScope, now: Date): ExportHeader {
  return {
    type: EXPORT_HEADER,
    format: FORMAT,
    organization_id: organizationId,
    customer_id: customer?.id ?? null,
    begun_at: now.toISOString(),
  };
}

/** Estimates how many rows an export reads, for its progress. One customer's export reads all events. */
export async function countExported(
  on: Queryable,
  { organizationId, customer }: ExportScope,
): Promise<number> {
  const counted = customer ? exportKinds.filter(({ type }) => type === EXPORTED_EVENT) : exportKinds;
  const counts = counted.map(({ table }) => `(select count(*) from ${table} where organization_id = $1)`);
  const count = { name: "count_exported", text: `select ${counts.join(" + ")} as count` };
  const { rows } = await queryUnprepared<{ count: bigint }>(on, count, [organizationId]);
  return Number(rows[0]?.count ?? 0n);
}

/** The position of an exported object. Undefined for a line without a position. */
export function positionOf(line: Readonly<Record<string, unknown>>): ExportPosition | undefined {
  const kind = exportKinds.find(({ type }) => type === line.type);
  const key = kind?.key.map((column) => line[column]);
  if (!kind || !key?.every((value) => typeof value === "string")) return undefined;
  return { type: kind.type, key };
}

/**
 * Yields the lines of an export without the header, kind by kind and in the order of the keys.
 *
 * @param after the last object that was exported before
 */
export async function* exportPages(
  on: Queryable,
  scope: ExportScope,
  after?: ExportPosition,
): AsyncGenerator<ExportPage> {
  const { organizationId, customer } = scope;
  if (!customer && !after) {
    const rows = await readJsonRows(on, organizationStatement, [organizationId]);
    yield { type: "organization", lines: rows.map((row) => lineOf("organization", row)), read: rows.length };
  }
  const first = exportKinds.findIndex(({ type }) => type === after?.type);
  for (const kind of exportKinds.slice(Math.max(first, 0))) {
    const key = after?.type === kind.type ? after.key : kind.key.map(() => "");
    if (!customer) {
      yield* pagesOf(on, kind, pageOfAll(kind), [organizationId], key);
    } else if (kind.about !== undefined) {
      const values = [organizationId, customer.id, customer.ids];
      yield* pagesOf(on, kind, pageAboutCustomer(kind, kind.about), values, key);
    } else if (kind.type === EXPORTED_EVENT) {
      const names = await idsNamingCustomer(on, organizationId, customer);
      yield* pagesOf(on, kind, eventsAboutCustomer, [organizationId, names], key);
    }
  }
}

/**
 * @param values the statement's parameters, without `$2` (the page's length) and without the last ones (the position)
 * @param begin the position after which the first page begins
 */
async function* pagesOf(
  on: Queryable,
  { type, key }: ExportKind,
  statement: Statement,
  [organizationId, ...values]: readonly unknown[],
  begin: readonly string[],
): AsyncGenerator<ExportPage> {
  let after = begin;
  let limit = FIRST_PAGE_ROWS;
  for (;;) {
    const rows = await readJsonRows(on, statement, [organizationId, limit, ...values, ...after]);
    const last = rows.at(-1);
    if (!last) return;
    const lines = rows.filter((row) => row[key[0] as string] !== null).map((row) => lineOf(type, row));
    yield { type, lines, read: rows.length };
    if (rows.length < limit) return;
    after = key.map((column) => JSON.parse((last.scanned_key ?? last[column]) as string));
    const bytes = lines.reduce((sum, line) => sum + line.length, 0);
    limit = Math.max(1, Math.min(PAGE_ROWS, Math.floor((PAGE_BYTES * rows.length) / Math.max(bytes, 1))));
  }
}

function lineOf(type: string, row: JsonRow): string {
  const fields = Object.entries(row)
    .filter(([column]) => !LEFT_OUT.has(column))
    .map(([column, value]) => `"${column}":${value ?? "null"}`);
  return `{"type":"${type}",${fields.join(",")}}`;
}
