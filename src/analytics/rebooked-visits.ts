import { isStanding, latestRebookedStart } from "./rules.js";

/**
 * SQL for the booking ids of rebooked visits: the customer booked again within 24 hours (see the column
 * prebooked_visits). A rebooking starts after its visit, so bookings are read from the beginning of the period on.
 *
 * @param visits a relation of visits with booking_id, customer_id, start_at
 * @param from the SQL parameter of the first day of the period; `to` is that of the last
 * @param bookings the relation in which rebookings are looked for; it has organization_id
 */
export const rebookedVisits = (visits: string, from: string, to: string, bookings = "bookings") => `
      select booking_id from (
        select booking_id, at, ${latestRebookedStart('customer_id collate "C"')} as later_start_at
        from (
          select booking_id, customer_id, start_at as at, null::timestamptz as start_at
          from ${visits} where customer_id is not null
          union all
          select null, b.customer_id, b.created_at, b.start_at
          from ${bookings} b
          where b.organization_id = $1 and b.customer_id is not null and b.start_at > earliest_instant(${from})
            and b.created_at >= earliest_instant(${from})
            and b.created_at < latest_instant(${to}) + interval '24 hours'
            and ${isStanding("b")}
        ) as moment
      ) as visit
      where booking_id is not null and later_start_at > at`;
