import pg from "pg";
import { type Queryable, queryUnprepared, type Statement } from "../database/query.js";

/** A row whose values are JSON texts. */
export type JsonRow = Readonly<Record<string, string | null>>;

/** Reads rows whose values are JSON texts, so that no digit of money, payloads or times is lost. */
export async function readJsonRows(
  on: Queryable,
  statement: Statement,
  values: readonly unknown[],
): Promise<JsonRow[]> {
  return (await queryUnprepared<Record<string, string | null>>(on, statement, values, jsonTypes)).rows;
}

const { builtins } = pg.types;

const asItIs = (text: string) => text;

/** By the type's oid: Postgres' text to JSON text. A type that is not listed becomes a JSON string. */
const jsonTexts = new Map<number, (text: string) => string>([
  [builtins.INT2, asItIs],
  [builtins.INT4, asItIs],
  [builtins.INT8, (text) => (Number.isSafeInteger(Number(text)) ? text : `"${text}"`)],
  [builtins.NUMERIC, asItIs],
  [builtins.BOOL, (text) => (text === "t" ? "true" : "false")],
  [builtins.JSONB, asItIs],
  [builtins.TIMESTAMPTZ, instantAsJson],
]);

/** RFC 3339 in UTC, to the microsecond. */
function instantAsJson(text: string): string {
  const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00$/.exec(text) ?? [];
  if (day !== undefined) return `"${day}T${time}Z"`;
  const instant: unknown = pg.types.getTypeParser(builtins.TIMESTAMPTZ)(text);
  return JSON.stringify(instant instanceof Date ? instant.toISOString() : text);
}

const jsonTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid) => jsonTexts.get(Number(oid)) ?? JSON.stringify,
};
