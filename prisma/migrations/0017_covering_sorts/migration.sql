-- Each order of the customer list but the one by name has an index that holds what the filters read. So a walk along
-- the order reads the index alone, and rows only where they have just changed. Customers without a value are in it too.
-- The order by name is by an expression, so its index would have to hold the names. Names and birthdays are texts of any
-- length, and an entry has at most 2,700 bytes. Ids have at most 255 characters. Reports on segments read first_booking_at
-- and customer_created_at.
drop index customer_analytics_next_booking_idx;
drop index customer_analytics_visits_idx;
drop index customer_analytics_revenue_order_idx;
drop index customer_analytics_net_revenue_idx;
drop index customer_analytics_ticket_idx;
drop index customer_analytics_overdue_idx;
create index customer_analytics_last_visit_order_idx
  on customer_analytics (organization_id, last_visit_at, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, overdue_at, total_visits);
create index customer_analytics_first_booking_order_idx
  on customer_analytics (organization_id, first_booking_at, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, overdue_at, total_visits, last_visit_at, customer_created_at);
create index customer_analytics_next_booking_idx
  on customer_analytics (organization_id, next_booking_at, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, overdue_at, total_visits, last_visit_at);
create index customer_analytics_visits_idx
  on customer_analytics (organization_id, total_visits, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, overdue_at, last_visit_at);
create index customer_analytics_revenue_order_idx
  on customer_analytics (organization_id, total_revenue_cents, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, overdue_at, total_visits, last_visit_at);
create index customer_analytics_net_revenue_idx
  on customer_analytics (organization_id, net_revenue_cents, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, overdue_at, total_visits, last_visit_at);
create index customer_analytics_ticket_idx
  on customer_analytics (organization_id, avg_ticket_cents, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, overdue_at, total_visits, last_visit_at);
create index customer_analytics_overdue_idx
  on customer_analytics (organization_id, overdue_at, square_customer_id)
  include (customer_segment, customer_type, visit_frequency, preferred_location_id, preferred_technician_id,
    is_overdue, upcoming_bookings, total_visits, last_visit_at);
-- Made anew to stay the newest, which a plan that is made on an empty table takes (see 0001).
alter table customer_analytics drop constraint customer_analytics_pkey;
alter table customer_analytics add constraint customer_analytics_pkey primary key (organization_id, square_customer_id);

-- An index can only be read alone where a page has been vacuumed since its last change.
alter table customer_analytics set (autovacuum_vacuum_scale_factor = 0.05);
