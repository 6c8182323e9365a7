import type { Statement } from "../database/query.js";
import type { CountedColumn } from "./column.js";
import { relations, sources } from "./relations.js";
import { organization, withNow } from "./statement.js";

/**
 * The statement that tells what each row of a customer contributes to a column: `id`, `time`, `value`, and whether it
 * is `counted`. It is made of the column's own entry in the catalogue and of the relations that the one statement
 * reads.
 *
 * Parameters: $1 organization uuid, $2 the customer's id, $3 the instant of computation, $4 and $5 behind which time
 * and id to begin (both NULL at the beginning), $6 how many rows. The newest come first, those without a time last.
 */
export function contributionsStatement(column: CountedColumn): Statement {
  const { id, at } = sources[column.from];
  const time = at ?? "null";
  return {
    name: `explain_${column.name}`,
    text: withNow(`with ${organization.trim()},
  target as (select $2::text as customer_id)
  select c.id, c.time, c.time::text as cursor_time, c.value, c.counted
  from target
  cross join organization o
  cross join lateral (${relations}
    select ${id} as id, (${time})::timestamptz as time, ${contribution(column)} as value, ${condition(column)} as counted
    from ${column.from}
  ) as c
  where $5::text is null
    or case when $4::timestamptz is null then c.time is null and c.id collate "C" > $5
      else c.time is null or c.time < $4 or (c.time = $4 and c.id collate "C" > $5) end
  order by c.time desc nulls last, c.id collate "C" limit $6`),
  };
}

/** A row that is counted as such contributes one. */
function contribution({ aggregate, value, per }: CountedColumn): string {
  if (aggregate === "count") return "1";
  if (aggregate === "any" || value === undefined) return "true";
  return per === undefined ? value : `(${value})::numeric / ${per}`;
}

/** Aggregates pass over NULL; `first` and `last` take what their row has. */
function condition({ aggregate, where = "true", value }: CountedColumn): string {
  const passesOver = value !== undefined && aggregate !== "first" && aggregate !== "last";
  return `coalesce(${where}, false)${passesOver ? ` and (${value}) is not null` : ""}`;
}
