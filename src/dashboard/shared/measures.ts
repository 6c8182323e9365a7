/** The numbers of a period: how they are called, and which bookings, payments and days are behind them. */
import type { AppointmentsDay, KpiNumbers, PaymentNumber, RevenueDay } from "../api/types.js";
import { count, money, percent } from "./format.js";

export type MeasureName = Exclude<keyof KpiNumbers, "currency" | "other_currencies">;

export interface Measure {
  readonly label: string;
  readonly kind: "count" | "money" | "ratio";
  /** The list of bookings that it counts. */
  readonly bookings?: string;
  /** The list of payments and refunds that it counts. */
  readonly payments?: PaymentNumber;
  /**
   * The days behind it: those on which the first column is not 0. Its columns add up to the number; people are counted
   * once a period, so theirs do not.
   */
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
    bookings: "accepted_appointments",
    days: appointments(true, "accepted_appointments"),
  },
  pending_appointments: {
    label: "Pending",
    kind: "count",
    bookings: "pending_appointments",
    days: appointments(true, "pending_appointments"),
  },
  cancelled_by_customer: {
    label: "Cancelled",
    kind: "count",
    bookings: "cancelled_by_customer",
    days: appointments(true, "cancelled_by_customer"),
    bad: true,
  },
  cancelled_by_seller: {
    label: "Cancelled by seller",
    kind: "count",
    bookings: "cancelled_by_seller",
    days: appointments(true, "cancelled_by_seller"),
    bad: true,
  },
  no_show_appointments: {
    label: "No-shows",
    kind: "count",
    bookings: "no_show_appointments",
    days: appointments(true, "no_show_appointments"),
    bad: true,
  },
  unique_customers: {
    label: "Customers",
    kind: "count",
    bookings: "unique_customers",
    days: appointments(false, "unique_customers"),
  },
  new_customers: {
    label: "New customers",
    kind: "count",
    bookings: "new_customers",
    days: appointments(true, "new_customers"),
  },
  returning_customers: {
    label: "Returning",
    kind: "count",
    bookings: "returning_customers",
    days: appointments(false, "returning_customers"),
  },
  rebooked_visits: {
    label: "Rebooked",
    kind: "count",
    bookings: "rebooked_visits",
  },
  rebooking_rate: {
    label: "Rebooking rate",
    kind: "ratio",
    bookings: "rebooked_visits",
  },
  revenue_cents: {
    label: "Revenue",
    kind: "money",
    payments: "revenue_cents",
    days: revenue("revenue_cents", "unassigned_revenue_cents"),
  },
  tips_cents: {
    label: "Tips",
    kind: "money",
    payments: "tips_cents",
    days: revenue("tips_cents"),
  },
  gross_cents: {
    label: "Collected",
    kind: "money",
    payments: "gross_cents",
    days: revenue("gross_cents"),
  },
  refunded_cents: {
    label: "Refunds",
    kind: "money",
    payments: "refunded_cents",
    days: revenue("refunded_cents"),
    bad: true,
  },
  net_cents: {
    label: "Net",
    kind: "money",
    payments: "net_cents",
    days: revenue("net_cents"),
  },
  payment_count: {
    label: "Payments",
    kind: "count",
    payments: "payment_count",
    days: revenue("payment_count"),
  },
  avg_ticket_cents: {
    label: "Average ticket",
    kind: "money",
    payments: "payment_count",
    days: revenue("payment_count", "revenue_cents"),
  },
  unassigned_revenue_cents: {
    label: "Without a customer",
    kind: "money",
    payments: "unassigned_revenue_cents",
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
