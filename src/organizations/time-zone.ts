import { type Queryable, query } from "../database/query.js";

const knownStatement = { name: "known_time_zone", text: "select known_time_zone($1) as time_zone" };

/**
 * Whether this is a time zone's name of the IANA list, an older one included, that Postgres knows too. Postgres alone would
 * take `UTC+5` as well, in the sense of POSIX, which is UTC-5; and abbreviations, whose rules differ from place to place.
 */
export async function isTimeZone(on: Queryable, name: string): Promise<boolean> {
  if (!isIanaName(name)) return false;
  const { rows } = await query<{ time_zone: string | null }>(on, knownStatement, [name]);
  return rows[0]?.time_zone != null;
}

function isIanaName(name: string): boolean {
  // All but UTC have small letters; `EST5EDT`, `CET` and offsets have none.
  if (name !== "UTC" && !/^[A-Z].*[a-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
