-- The list by preferred technician: without it, a page of one technician of 240 walks through the order of everybody.
create index customer_analytics_technician_idx on customer_analytics (preferred_technician_id, organization_id);
