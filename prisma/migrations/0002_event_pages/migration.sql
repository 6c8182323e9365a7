-- `events list` and `replay --status` page through the inbox in the order of arrival. Without an index every page reads and
-- sorts the whole table, which holds 90 days of events. What it costs the insert is small: keys grow with time, so an
-- event goes to the last page of the index, which is in memory.
create index webhook_events_received_idx on webhook_events (received_at, organization_id, event_id);
