import { type Queryable, queryUnprepared } from "../database/query.js";

/** How long a location has been silent, and how long is usual there on this day of the week. */
export interface Silence {
  readonly organization_id: string;
  readonly location_id: string;
  readonly location_name: string;
  /** When a booking was last made or changed there, or a payment made. */
  readonly last_heard_at: Date;
  readonly silent_hours: number;
  /** Null when fewer than four such weekdays are known. */
  readonly usual_hours: number | null;
  /** Whether the silence is longer than 1.5 times the usual one. */
  readonly is_silent: boolean;
}

/**
 * Reads payments by payments_created_idx and bookings around now by bookings_start_idx. A pause counts for each local
 * day that it touches. For each of the last eight days of the same weekday, the longest pause is taken. The usual
 * silence is the median of these. So a weekly closing day is usual, and one holiday changes nothing.
 */
const silenceStatement = {
  name: "silence_by_location",
  text: `
    with heard as (
      select p.organization_id, p.location_id, p.created_at as at from organizations o
      join payments p on p.organization_id = o.id
        and p.created_at > $1::timestamptz - interval '63 days' and p.created_at <= $1
      union
      select b.organization_id, b.location_id, b.updated_at from organizations o
      join bookings b on b.organization_id = o.id
        and b.start_at > $1::timestamptz - interval '63 days' and b.start_at < $1::timestamptz + interval '63 days'
      where b.updated_at > $1::timestamptz - interval '63 days' and b.updated_at <= $1
    ), pause as (
      select h.organization_id, h.location_id, coalesce(l.name, h.location_id) as location_name, h.at,
        lead(h.at) over (partition by h.organization_id, h.location_id order by h.at) as next_at,
        coalesce(l.time_zone, o.time_zone) as time_zone
      from heard h
      join organizations o on o.id = h.organization_id
      left join locations l on l.organization_id = h.organization_id and l.square_location_id = h.location_id
      where h.location_id is not null
    ), longest as (
      select organization_id, location_id, max(extract(epoch from next_at - at)) as seconds
      from pause cross join generate_series(1, 8) as weeks
      where next_at is not null
        and local_date($1, time_zone) - 7 * weeks between local_date(at, time_zone) and local_date(next_at, time_zone)
      group by organization_id, location_id, weeks
    ), usual as (
      select organization_id, location_id, percentile_cont(0.5) within group (order by seconds) as seconds
      from longest group by organization_id, location_id having count(*) >= 4
    )
    select p.organization_id, p.location_id, p.location_name, p.at as last_heard_at,
      round(extract(epoch from $1::timestamptz - p.at) / 3600, 2)::float8 as silent_hours,
      round((u.seconds / 3600)::numeric, 2)::float8 as usual_hours,
      coalesce(extract(epoch from $1::timestamptz - p.at) > 1.5 * u.seconds, false) as is_silent
    from pause p
    left join usual u on u.organization_id = p.organization_id and u.location_id = p.location_id
    where p.next_at is null
    order by is_silent desc, p.location_name, p.organization_id, p.location_id`,
};

/** Reads the silence of each location that had a booking or payment in the last nine weeks, the silent ones first. */
export async function readSilence(on: Queryable, now: Date): Promise<Silence[]> {
  return (await queryUnprepared<Silence>(on, silenceStatement, [now])).rows;
}
