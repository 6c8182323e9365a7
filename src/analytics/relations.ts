import type { RowSource } from "./column.js";
import { isAccepted, isStanding, isVisit, latestRebookedStart } from "./rules.js";

interface Source {
  /** The row's id within the relation, as SQL. */
  readonly id: string;
  /** The row's time, as SQL. NULL for a relation without a time. */
  readonly at: string | null;
  /** The order for `first` and `last`. The default is by time, then id. */
  readonly order?: readonly string[];
}

/** The relations that columns are counted from. */
export const sources: Readonly<Record<RowSource, Source>> = {
  booking: { id: "booking_id", at: "start_at" },
  visit: { id: "booking_id", at: "start_at" },
  segment: { id: "booking_id || '/' || segment_index", at: "start_at" },
  payment: { id: "payment_id", at: "created_at" },
  refund: { id: "refund_id", at: "created_at" },
  // The survivor's own referral profile comes first.
  referral: {
    id: "member_id",
    at: "activated_at",
    order: ["member_id <> survivor_id", 'member_id collate "C"'],
  },
  reward: { id: "reward_id", at: null },
};

/** The rows of one customer (`target.customer_id`), each read by an index. */
export const relations = `
      -- Only the columns in use: each row is copied, and Square's raw object is the largest part of a row.
      with booking as (
        select b.booking_id, b.status, b.location_id, b.start_at, b.created_at, b.updated_at, b.duration_minutes,
          note.customer_note, note.seller_note, b.creator_type,
          ${isAccepted("b")} as accepted,
          ${isVisit("b", ":now")} as visit,
          b.status in ('ACCEPTED', 'PENDING') and b.start_at > :now as upcoming,
          note.customer_note is not null or note.seller_note is not null as noted,
          local_time(b.start_at, coalesce(
            (select l.time_zone from locations l where l.organization_id = $1 and l.square_location_id = b.location_id),
            o.time_zone
          )) as local_start
        from bookings b
        cross join lateral (
          select visible_text(b.customer_note) as customer_note, visible_text(b.seller_note) as seller_note
        ) as note
        where b.organization_id = $1 and b.customer_id = target.customer_id
      ),
      segment as (
        select b.booking_id, s.segment_index, b.start_at, known_technician(s.team_member_id) as technician_id,
          s.service_variation_id
        from booking b
        cross join lateral (
          select segment_index, team_member_id, service_variation_id from booking_segments
          where organization_id = $1 and booking_id = b.booking_id offset 0
        ) as s
        where b.accepted
      ),
      visit as (
        select booking_id, at as start_at, later_start_at
        from (
          select is_visit, booking_id, at, ${latestRebookedStart()} as later_start_at
          from (
            select true as is_visit, booking_id, start_at as at, null::timestamptz as start_at from booking where visit
            union all
            select false, booking_id, created_at, start_at from booking where ${isStanding("booking")}
          ) as moment
        ) as moment
        where is_visit
      ),
      paid as (
        select payment_id, status, amount_cents, tip_cents, total_cents, processing_fee_cents, currency, source_type,
          is_gift_card, created_at, status = 'COMPLETED' as completed
        from payments where organization_id = $1 and customer_id = target.customer_id
      ),
      main_currency as (
        select coalesce((
          select currency from paid where completed group by currency
          order by count(*) desc, currency is not distinct from o.currency desc, currency collate "C" limit 1
        ), o.currency) as main_currency
      ),
      payment as (
        select paid.*, completed and currency = main_currency as main from paid cross join main_currency
      ),
      refund as (
        select r.*, r.status = 'COMPLETED' and r.currency = main_currency as main
        from payment
        cross join main_currency
        cross join lateral (
          select refund_id, created_at, amount_cents, status, currency from refunds
          where organization_id = $1 and payment_id = payment.payment_id offset 0
        ) as r
      ),
      -- The customer and the ids that were merged into the customer.
      member as (
        select target.customer_id as member_id
        union all
        select from_customer_id from customer_aliases
        where organization_id = $1 and to_customer_id = target.customer_id
      ),
      referral as (
        select r.square_customer_id as member_id, target.customer_id as survivor_id, r.used_referral_code,
          r.activated_as_referrer, r.activated_at
        from member
        cross join lateral (
          select * from referral_profiles where organization_id = $1 and square_customer_id = member_id offset 0
        ) as r
      ),
      reward as (
        select r.reward_id, r.referred_customer_id, r.status, r.reward_cents
        from member
        cross join lateral (
          select * from referral_rewards where organization_id = $1 and referrer_customer_id = member_id offset 0
        ) as r
      )`;
