import { type Queryable, query } from "../database/query.js";

const statement = {
  name: "local_day",
  text: "select local_date($1::timestamptz, $2)::text as day",
};

/** The local day `YYYY-MM-DD` of an instant, computed by the SQL function `local_date`. */
export async function localDayOf(on: Queryable, instant: Date, timeZone: string): Promise<string> {
  const { rows } = await query<{ day: string }>(on, statement, [instant, timeZone]);
  return (rows[0] as { day: string }).day;
}
