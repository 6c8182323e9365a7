-- A day is kept when it ended 36 hours ago. Servers of earlier releases mark only facts that are older than 48 hours.
-- So they must stop.

-- The latest local day that is past at an instant, in the organization's time zone and in those of its locations.
create function last_past_day(organization uuid, instant timestamptz) returns date
  language sql stable parallel safe return (
    select min(local_date(instant, zone.value)) - 1 from jsonb_each_text(zones_of_days(organization)) as zone
  );
