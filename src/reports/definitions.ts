import type { Kpi } from "./kpi.js";
import { type RetentionNumber, retentionWindows } from "./retention.js";
import type { SegmentDay } from "./segments.js";
import type { TeamMemberReport } from "./team.js";

type Counted<Report> = Exclude<keyof Report, "currency" | "other_currencies" | "team_member_id" | "name">;

/** What each number of `kpi` means. */
export const kpiDefinitions: Readonly<Record<Counted<Kpi>, string>> = {
  accepted_appointments: "Bookings with status ACCEPTED whose local day lies in the period.",
  pending_appointments: "Bookings with status PENDING whose local day lies in the period.",
  cancelled_by_customer: "Bookings of the period that the customer cancelled.",
  cancelled_by_seller: "Bookings of the period that the seller cancelled.",
  no_show_appointments: "Bookings of the period with status NO_SHOW.",
  unique_customers:
    "Customers with an accepted booking in the period, each counted once over the whole period.",
  new_customers:
    "Customers whose first accepted booking ever lies in the period. A customer is new exactly once.",
  returning_customers: "The customers of the period who are not new in it, each counted once.",
  rebooked_visits: "Visits of the period after which the customer booked again within 24 hours.",
  rebooking_rate: "Rebooked visits divided by all visits of the period. null without a visit.",
  revenue_cents: "Completed payments of the period, without tips, in the organization's currency.",
  tips_cents: "Tips of the period's completed payments.",
  gross_cents: "Revenue and tips together: what customers paid.",
  refunded_cents: "Completed refunds, on the day of the refund.",
  net_cents: "Revenue and tips less refunds.",
  payment_count: "Completed payments of the period.",
  avg_ticket_cents: "Revenue divided by the number of payments, rounded. 0 without a payment.",
  unassigned_revenue_cents: "Revenue of payments that name no customer. It is part of the revenue.",
};

/** What each number of `team` means. A booking with two team members counts for both. */
export const teamDefinitions: Readonly<Record<Counted<TeamMemberReport>, string>> = {
  visits: "Visits of the period with a segment of this team member.",
  customers: "Customers of these visits, each counted once.",
  new_customers: "Customers whose first visit ever was one of these visits.",
  rebooked_visits: "Visits after which the customer booked again within 24 hours, with whomever.",
  no_shows: "Bookings of the period with status NO_SHOW.",
  late_cancellations: "Bookings that the customer cancelled less than 24 hours before their start.",
  booked_minutes: "Minutes of this team member's segments in the visits.",
  list_price_cents:
    "The segments of the visits at their catalog price, in the organization's currency. It is not revenue: Square does " +
    "not say which payment belongs to which team member.",
};

/** What each number of `retention` means. */
export const retentionDefinitions = {
  customers: "Customers whose first visit ever lies in the period and belongs to this cohort.",
  ...Object.fromEntries(
    retentionWindows.flatMap((days) => [
      [
        `returned_${days}d`,
        `Of those whose first visit was at least ${days} days ago: customers with another visit day within ${days} days after it.`,
      ],
      [`eligible_${days}d`, `Customers whose first visit was at least ${days} days ago.`],
    ]),
  ),
} as Readonly<Record<RetentionNumber, string>>;

/** What each number of `segments/daily` means. A movement counts customers by two of them. */
export const segmentDefinitions: Readonly<Record<Exclude<keyof SegmentDay, "date">, string>> = {
  NEVER_VISITED: "Customers who were known at the end of the day and had not come by then.",
  NEW: "Customers whose first visit was less than `new` days before the end of the day.",
  ACTIVE: "Of the others, those whose last visit was less than `active` days before it.",
  AT_RISK: "Of the others, those whose last visit was less than `at_risk` days before it.",
  LOST: "Customers who came once, but not within the last `at_risk` days.",
};
