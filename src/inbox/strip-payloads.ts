import { type Queryable, query, queryUnprepared, type Statement } from "../database/query.js";
import type { SquareEvent } from "../square/envelope.js";
import { readJson } from "../square/read-json.js";
import type { JsonObject } from "../square/types.js";
import { withoutTexts } from "../square/without-texts.js";
import { writeJson } from "../square/write-json.js";

// Index: the primary key of every month.
const stripStatement: Statement = {
  name: "strip_payloads",
  text: `
    update webhook_events e set payload = s.payload
    from jsonb_to_recordset($2::jsonb) as s (event_id text, payload jsonb)
    where e.organization_id = $1 and e.event_id = s.event_id and e.payload is distinct from s.payload`,
};

/** Removes the texts from the stored payloads of these events (`withoutTexts`). Their ids, times and amounts stay. */
export async function stripPayloads(
  on: Queryable,
  organizationId: string,
  events: readonly Pick<SquareEvent, "event_id" | "payload">[],
): Promise<number> {
  if (events.length === 0) return 0;
  const values = events.map(({ event_id, payload }) => ({ event_id, payload: withoutTexts(payload) }));
  return (await query(on, stripStatement, [organizationId, writeJson(values)])).rowCount ?? 0;
}

// One page of an organization's events, by the primary key. An event names somebody when a text in its payload is one
// of the ids ($3). No index serves that, so all events are read. Short pages keep other statements of the embedded
// database from waiting. `is true` makes Postgres keep the ids in one hash table.
const namingStatement: Statement = {
  name: "events_naming",
  text: `
    select t.event_id, case when exists (
      select from jsonb_path_query(t.payload, 'strict $.** ? (@.type() == "string")') as text
      where (text #>> '{}' in (select unnest($3::text[]))) is true
    ) then t.payload::text end as payload
    from (
      select event_id, payload from webhook_events
      where organization_id = $1 and event_id > $4 and received_at >= $5 order by event_id limit $2
    ) t
    order by t.event_id`,
};

const PAGE = 500;

/**
 * Removes the texts from the payloads of all events that name one of these ids.
 *
 * @param names ids of customers, bookings, payments, orders and refunds
 * @param since the events received before are left alone
 * @param onPage called after each page with the number of events read so far
 * @returns the number of payloads that lost texts
 */
export async function stripPayloadsNaming(
  on: Queryable,
  organizationId: string,
  names: readonly string[],
  since: Date | "-infinity",
  onPage: (read: number) => void = () => {},
): Promise<number> {
  let [after, read, stripped] = ["", 0, 0];
  for (;;) {
    const values = [organizationId, PAGE, names, after, since];
    const { rows } = await queryUnprepared<{ event_id: string; payload: string | null }>(
      on,
      namingStatement,
      values,
    );
    const naming = rows.flatMap(({ event_id, payload }) =>
      payload === null ? [] : [{ event_id, payload: readJson(Buffer.from(payload)) as JsonObject }],
    );
    stripped += await stripPayloads(on, organizationId, naming);
    read += rows.length;
    onPage(read);
    const last = rows.at(-1);
    if (rows.length < PAGE || !last) return stripped;
    after = last.event_id;
  }
}
