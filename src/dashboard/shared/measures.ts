/** The numbers of a period: how they are called, what they count, and which days add up to them. */
import type { AppointmentsDay, KpiNumbers, RevenueDay } from "../api/types.js";
import { count, money, percent } from "./format.js";

export type MeasureName = Exclude<keyof KpiNumbers, "currency" | "other_currencies">;

export interface Measure {
  readonly label: string;
  readonly kind: "count" | "money" | "ratio";
  readonly definition: string;
  /** The columns of the daily answers that add up to it; people are counted once a period, so theirs do not. */
  readonly days?:
    | {
        readonly of: "appointments";
        readonly columns: readonly (keyof AppointmentsDay)[];
        readonly adds: boolean;
      }
    | { readonly of: "revenue"; readonly columns: readonly (keyof RevenueDay)[]; readonly adds: boolean };
  /** Whether more is worse. */
  readonly bad?: true;
}

const appointments = (adds: boolean, ...columns: (keyof AppointmentsDay)[]) =>
  ({ of: "appointments", columns, adds }) as const;
const revenue = (...columns: (keyof RevenueDay)[]) => ({ of: "revenue", columns, adds: true }) as const;

export const measures: Readonly<Record<MeasureName, Measure>> = {
  accepted_appointments: {
    label: "Accepted",
    kind: "count",
    definition: "Bookings with status ACCEPTED whose local day lies in the period.",
    days: appointments(true, "accepted_appointments"),
  },
  pending_appointments: {
    label: "Pending",
    kind: "count",
    definition: "Bookings that wait for an answer, and whose local day lies in the period.",
    days: appointments(true, "pending_appointments"),
  },
  cancelled_by_customer: {
    label: "Cancelled",
    kind: "count",
    definition: "Bookings of the period that the customer cancelled.",
    days: appointments(true, "cancelled_by_customer"),
    bad: true,
  },
  cancelled_by_seller: {
    label: "Cancelled by seller",
    kind: "count",
    definition: "Bookings of the period that the seller cancelled.",
    days: appointments(true, "cancelled_by_seller"),
    bad: true,
  },
  no_show_appointments: {
    label: "No-shows",
    kind: "count",
    definition: "Bookings of the period with status NO_SHOW.",
    days: appointments(true, "no_show_appointments"),
    bad: true,
  },
  unique_customers: {
    label: "Customers",
    kind: "count",
    definition: "Customers with an accepted booking in the period, each counted once.",
    days: appointments(false, "unique_customers"),
  },
  new_customers: {
    label: "New customers",
    kind: "count",
    definition:
      "Customers whose first accepted booking ever lies in the period. A customer is new exactly once.",
    days: appointments(true, "new_customers"),
  },
  returning_customers: {
    label: "Returning",
    kind: "count",
    definition: "The customers of the period who are not new in it, each counted once.",
    days: appointments(false, "returning_customers"),
  },
  rebooked_visits: {
    label: "Rebooked",
    kind: "count",
    definition: "Visits of the period after which the customer booked again within 24 hours.",
  },
  rebooking_rate: {
    label: "Rebooking rate",
    kind: "ratio",
    definition: "Rebooked visits over all visits of the period.",
  },
  revenue_cents: {
    label: "Revenue",
    kind: "money",
    definition: "Completed payments of the period, without tips, in the seller's currency.",
    days: revenue("revenue_cents", "unassigned_revenue_cents"),
  },
  tips_cents: {
    label: "Tips",
    kind: "money",
    definition: "Tips of the period's completed payments.",
    days: revenue("tips_cents"),
  },
  gross_cents: {
    label: "Collected",
    kind: "money",
    definition: "Revenue and tips together: what customers paid.",
    days: revenue("gross_cents"),
  },
  refunded_cents: {
    label: "Refunds",
    kind: "money",
    definition: "Completed refunds, on the day of the refund.",
    days: revenue("refunded_cents"),
    bad: true,
  },
  net_cents: {
    label: "Net",
    kind: "money",
    definition: "Collected less refunds.",
    days: revenue("net_cents"),
  },
  payment_count: {
    label: "Payments",
    kind: "count",
    definition: "Completed payments of the period.",
    days: revenue("payment_count"),
  },
  avg_ticket_cents: {
    label: "Average ticket",
    kind: "money",
    definition: "Revenue over the number of payments, rounded.",
    days: revenue("revenue_cents", "payment_count"),
  },
  unassigned_revenue_cents: {
    label: "Without a customer",
    kind: "money",
    definition: "Revenue of payments that name no customer. It is part of the revenue.",
    days: revenue("unassigned_revenue_cents"),
  },
};

/** A measure's value in words; a dash where there is none. */
export function measured(name: MeasureName, numbers: KpiNumbers): string {
  const value = numbers[name];
  if (value === null) return "–";
  const { kind } = measures[name];
  if (kind === "money") return money(value, numbers.currency);
  return kind === "ratio" ? percent(Number(value), 1) : count(value);
}
