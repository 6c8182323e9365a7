-- The first instant of a local day. Where clocks go back over midnight, midnight comes twice (America/Havana,
-- Atlantic/Azores). Postgres takes the second one, and an hour of the day lies before it.
create or replace function local_midnight(day date, time_zone text) returns timestamptz
  language sql immutable parallel safe return (
    select case when local_date(midnight - interval '1 hour', time_zone) = day then midnight - interval '1 hour' else midnight end
    from (select day::timestamp at time zone time_zone as midnight) as standard
  );
