/** What the reports answer. */
import { z } from "zod";
import { segments } from "../analytics/rules.js";
import { bookingNumbers } from "../reports/bookings.js";
import { appointmentNumbers } from "../reports/daily.js";
import { kpiDefinitions, teamDefinitions } from "../reports/definitions.js";
import { paymentNumbers } from "../reports/payments.js";
import { cohortKinds, retentionNumbers, retentionWindows } from "../reports/retention.js";
import { UNKNOWN } from "../reports/segment-customers.js";
import { count, day, instant, money, periodQuery, placeQuery, squareId } from "./schemas.js";

export const period = z.object({ from: day, to: day });

export const appointmentsDay = z.object({
  organization_id: z.uuid(),
  location_id: z.string().nullable(),
  location_name: z.string().nullable(),
  date: day,
  appointments_count: count,
  accepted_appointments: count,
  pending_appointments: count,
  cancelled_appointments: count,
  cancelled_by_customer: count,
  cancelled_by_seller: count,
  no_show_appointments: count,
  staff_slots: count.meta({ description: "Distinct team members of each ACCEPTED booking, summed" }),
  unique_customers: count,
  new_customers: count,
  returning_customers: count,
});

const moneyOfPeriod = z.object({
  revenue_cents: money,
  tips_cents: money,
  gross_cents: money,
  refunded_cents: money,
  net_cents: money,
  payment_count: count,
});

export const revenueDay = moneyOfPeriod.extend({
  organization_id: z.uuid(),
  location_id: z.string().nullable(),
  location_name: z.string().nullable(),
  date: day,
  currency: z.string(),
  unique_customers: count,
  unassigned_revenue_cents: money,
});

const defined = <Shape extends z.ZodRawShape>(shape: Shape, definitions: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(shape).map(([name, type]) => [
      name,
      name in definitions ? (type as z.ZodType).meta({ description: definitions[name] }) : type,
    ]),
  ) as Shape;

export const kpiNumbers = z.object(
  defined(
    {
      accepted_appointments: count,
      pending_appointments: count,
      cancelled_by_customer: count,
      cancelled_by_seller: count,
      no_show_appointments: count,
      unique_customers: count,
      new_customers: count,
      returning_customers: count,
      rebooked_visits: count,
      rebooking_rate: z.number().nullable(),
      currency: z.string(),
      ...moneyOfPeriod.shape,
      avg_ticket_cents: money,
      unassigned_revenue_cents: money,
      other_currencies: z.array(moneyOfPeriod.extend({ currency: z.string() })),
    },
    kpiDefinitions,
  ),
);

const { currency: _currency, other_currencies: _others, ...measured } = kpiNumbers.shape;
export const change = z.object(
  Object.fromEntries(Object.keys(measured).map((name) => [name, z.number().nullable()])),
);

const segmentCounts = { NEVER_VISITED: count, NEW: count, ACTIVE: count, AT_RISK: count, LOST: count };
const segment = z.enum(segments);

export const movement = z.object({
  from_segment: segment.nullable().meta({ description: "null: not known at the beginning" }),
  to_segment: segment,
  customers: count,
});

const listedCustomer = {
  square_customer_id: z.string(),
  customer_name: z.string().nullable(),
};

export const movementCustomer = z.object({
  ...listedCustomer,
  from_segment: movement.shape.from_segment,
  to_segment: segment,
  first_visit_at: instant.nullable().meta({ description: "First visit until the end of the period" }),
  last_visit_before_at: instant.nullable().meta({ description: "Last visit before the period" }),
  last_visit_at: instant.nullable().meta({ description: "Last visit until the end of the period" }),
  known_at: instant.nullable().meta({
    description:
      "Of who had not come before the period: created at Square, first booking made or first payment, whichever is " +
      "earliest. null for the others",
  }),
});

export const cohort = z.object({
  cohort: z.string().nullable(),
  name: z.string().nullable(),
  customers: count,
  ...Object.fromEntries(
    retentionWindows.flatMap((days) => [
      [`returned_${days}d`, count],
      [`eligible_${days}d`, count],
    ]),
  ),
});

export const cohortCustomer = z.object({
  ...listedCustomer,
  cohort: cohort.shape.cohort,
  first_visit_at: instant,
  returned_at: instant.nullable().meta({ description: "The first visit on another day, however late" }),
  location_id: z.string().nullable().meta({ description: "Of the first visit" }),
  location_name: z.string().nullable(),
});

export const teamMember = z.object(
  defined(
    {
      team_member_id: z.string(),
      name: z.string().nullable(),
      visits: count,
      customers: count,
      new_customers: count,
      rebooked_visits: count,
      no_shows: count,
      late_cancellations: count,
      booked_minutes: money,
      list_price_cents: money,
    },
    teamDefinitions,
  ),
);

export const segmentsDay = z.object({ date: day, ...segmentCounts });

export const countedBooking = z.object({
  booking_id: z.string(),
  start_at: instant,
  status: z.string(),
  location_id: z.string().nullable(),
  location_name: z.string().nullable(),
  customer_id: z.string().nullable(),
  customer_name: z.string().nullable(),
  booked_minutes: money,
  list_price_cents: money,
});

export const countedPayment = z.object({
  kind: z.enum(["payment", "refund"]),
  id: z.string().meta({ description: "The payment's id, or the refund's" }),
  payment_id: z.string().nullable().meta({ description: "The payment; of a refund, the refunded one" }),
  created_at: instant,
  location_id: z.string().nullable(),
  location_name: z.string().nullable(),
  customer_id: z.string().nullable(),
  customer_name: z.string().nullable(),
  revenue_cents: money,
  tips_cents: money,
  gross_cents: money,
  refunded_cents: money,
  net_cents: money,
});

const DAYS_COUNTED =
  "A number of `kpi`: only the days on which it is not 0, in the organization's currency, the latest first. All days by default";

export const appointmentsQuery = placeQuery.extend({
  counted: z.enum(appointmentNumbers).optional().meta({ description: DAYS_COUNTED }),
});

export const revenueQuery = placeQuery.extend({
  counted: z.enum(paymentNumbers).optional().meta({ description: DAYS_COUNTED }),
});

export const movementCustomersQuery = periodQuery.extend({
  from_segment: z
    .enum([...segments, UNKNOWN])
    .optional()
    .meta({
      description: `The segment at the end of the day before \`from\`. ${UNKNOWN}: not known then. From anywhere by default`,
    }),
  to_segment: segment
    .default("LOST")
    .meta({ description: "The segment at the end of `to`, or now if that is earlier" }),
});

export const retentionQuery = placeQuery.extend({
  by: z.enum(cohortKinds).default("month").meta({ description: "What the customers of a cohort share" }),
});

export const cohortCustomersQuery = retentionQuery.extend({
  cohort: z
    .string()
    .regex(/^[^\0]{0,255}$/, "must be a cohort of at most 255 characters")
    .optional()
    .meta({
      description: "A `cohort` of `retention`; empty for the one that is null. All cohorts by default",
    }),
  counted: z
    .enum(retentionNumbers)
    .default("customers")
    .meta({ description: "The number of `retention` that counts these customers" }),
});

export const paymentsQuery = placeQuery.extend({
  counted: z
    .enum(paymentNumbers)
    .default("revenue_cents")
    .meta({ description: "The number of `kpi` that counts these payments and refunds" }),
});

export const bookingsQuery = placeQuery.extend({
  counted: z
    .enum(bookingNumbers)
    .default("accepted_appointments")
    .meta({ description: "The number of `kpi` or `team` that counts these bookings" }),
  team_member_id: squareId
    .optional()
    .meta({ description: "Only bookings with a segment of this team member, as `team` counts them" }),
});
