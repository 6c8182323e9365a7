import { type Queryable, query } from "../database/query.js";

const knownStatement = { name: "known_time_zone", text: "select known_time_zone($1) as time_zone" };

/**
 * Whether this is an IANA time zone name, current or older, that Postgres knows too. Postgres alone is not enough: it
 * reads `UTC+5` in the POSIX sense, which is UTC-5, and it accepts abbreviations, whose meaning depends on the place.
 */
export async function isTimeZone(on: Queryable, name: string): Promise<boolean> {
  if (!isIanaName(name)) return false;
  const { rows } = await query<{ time_zone: string | null }>(on, knownStatement, [name]);
  return rows[0]?.time_zone != null;
}

function isIanaName(name: string): boolean {
  // Every name except UTC has a small letter. `EST5EDT`, `CET` and offsets have none.
  if (name !== "UTC" && !/^[A-Z].*[a-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
