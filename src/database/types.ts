import pg from "pg";

const { builtins } = pg.types;
const TEXT_ARRAY: number = 1009;
const INT8_ARRAY = 1016;
const DATE_ARRAY = 1182;

const parseTextArray: (value: string) => (string | null)[] = pg.types.getTypeParser(TEXT_ARRAY);

const parsers = new Map<number, (value: string) => unknown>([
  [builtins.INT8, BigInt],
  [INT8_ARRAY, (value) => parseTextArray(value).map((item) => (item === null ? null : BigInt(item)))],
  // A calendar day is not an instant. The driver would make it midnight in the process's time zone.
  [builtins.DATE, String],
  [DATE_ARRAY, parseTextArray],
]);

/**
 * How our statements read values: int8 as bigint, date as string, everything else as node-postgres does (numeric as
 * string, timestamptz as Date). These belong to the pool and are not global, because Prisma reads values differently.
 */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    (format !== "binary" && parsers.get(Number(oid))) || pg.types.getTypeParser(oid, format),
};
