/** The answers of the API as they come over the wire. */
import type { CustomerHistory } from "../../analytics/customer-history.js";
import type { JobsStatus } from "../../operations/status.js";
import type { KpiReport } from "../../reports/kpi.js";
import type { Cohort } from "../../reports/retention.js";
import type { Movement, SegmentDay } from "../../reports/segments.js";
import type { TeamMemberReport } from "../../reports/team.js";

/** Minor units of a currency; a string where a number would be inexact. */
export type Money = number | string;

/** What JSON makes of a value. */
export type Wire<T> = T extends bigint
  ? Money
  : T extends Date
    ? string
    : T extends readonly (infer Item)[]
      ? Wire<Item>[]
      : T extends object
        ? { [Key in keyof T]: Wire<T[Key]> }
        : T;

export interface Location {
  location_id: string;
  name: string;
  time_zone: string;
  currency: string | null;
  status: string;
}

export interface Organization {
  id: string;
  name: string;
  currency: string;
  time_zone: string;
  status: string;
  last_event_at: string | null;
  last_sweep_at: string | null;
  locations: Location[];
  team_members: { team_member_id: string; name: string; status: string }[];
  segment_days: { new: number; active: number; at_risk: number };
}

export type Kpi = Wire<KpiReport>;
export type KpiNumbers = Kpi["current"];

export interface AppointmentsDay {
  location_id: string | null;
  location_name: string | null;
  date: string;
  accepted_appointments: number;
  pending_appointments: number;
  cancelled_by_customer: number;
  cancelled_by_seller: number;
  no_show_appointments: number;
  unique_customers: number;
  new_customers: number;
  returning_customers: number;
}

export interface RevenueDay {
  location_id: string | null;
  location_name: string | null;
  date: string;
  currency: string;
  revenue_cents: Money;
  tips_cents: Money;
  gross_cents: Money;
  refunded_cents: Money;
  net_cents: Money;
  payment_count: number;
  unassigned_revenue_cents: Money;
}

export type SegmentsDay = Wire<SegmentDay>;
export type SegmentMovement = Wire<Movement>;
export type CohortRow = Wire<Cohort>;
export type TeamMember = Wire<TeamMemberReport>;

export interface TeamAnswer {
  team: TeamMember[];
  list_price_currency: string;
  note: string;
}
export type Status = Wire<JobsStatus>;

/** A row of customer_analytics, as far as the pages name its columns; the others are read by name. */
export interface Customer {
  square_customer_id: string;
  given_name: string | null;
  family_name: string | null;
  company_name: string | null;
  email_address: string | null;
  phone_number: string | null;
  birthday: string | null;
  visit_days: number;
  total_visits: number;
  first_visit_at: string | null;
  last_visit_at: string | null;
  upcoming_bookings: number;
  next_booking_at: string | null;
  avg_days_between_visits: number | null;
  expected_next_visit_at: string | null;
  is_overdue: boolean;
  customer_segment: Segment;
  customer_type: string;
  total_revenue_cents: Money;
  currency: string;
  computed_at: string;
  refresh_due_at: string | null;
  [column: string]: unknown;
}

/** A customer of the list: the row, and what is joined to it. */
export interface ListedCustomer extends Customer {
  overdue_at: string | null;
  preferred_location_name: string | null;
  preferred_technician_name: string | null;
  preferred_service_name: string | null;
}

export type Segment = "NEVER_VISITED" | "NEW" | "ACTIVE" | "AT_RISK" | "LOST";

export interface CustomersPage {
  customers: ListedCustomer[];
  next_cursor: string | null;
}

export interface Booking {
  booking_id: string;
  status: string;
  location_id: string | null;
  start_at: string;
  created_at: string;
  duration_minutes: number;
  customer_note: string | null;
  seller_note: string | null;
  segments: {
    team_member_id: string | null;
    service_variation_id: string | null;
    duration_minutes: number;
  }[];
}

export interface Payment {
  payment_id: string;
  status: string;
  amount_cents: Money;
  tip_cents: Money;
  total_cents: Money;
  currency: string;
  source_type: string | null;
  created_at: string;
}

export type History = Omit<Wire<CustomerHistory>, "customer" | "bookings" | "payments"> & {
  readonly older: string | null;
  customer: Customer;
  bookings: Booking[];
  payments: Payment[];
};

export interface Recomputation {
  customer: Customer | null;
  changed: boolean;
  drift: Record<string, { before: unknown; after: unknown }>;
}

export interface ColumnEntry {
  name: string;
  type: string;
  unit: string | null;
  description: string;
  sql: string;
  nullable: boolean;
  clock_driven: boolean;
}

export interface Columns {
  definition_version: number;
  columns: ColumnEntry[];
  /** What each number of the reports means. */
  measures: Record<"kpi" | "team" | "retention" | "segments", Record<string, string>>;
}

export interface ExplainRow {
  id: string;
  time: string | null;
  value: unknown;
  counted: boolean;
}

export interface Explanation {
  column: string;
  type: string;
  unit: string | null;
  description: string;
  value: unknown;
  as_of: string;
  exact_until: string | null;
  from: string;
  condition: string | null;
  rows: ExplainRow[];
  older: string | null;
  inputs: Record<string, unknown>;
  formula: string | null;
}

/** A booking that a number of the period counts. */
export interface CountedBooking {
  booking_id: string;
  start_at: string;
  status: string;
  location_id: string | null;
  location_name: string | null;
  customer_id: string | null;
  customer_name: string | null;
  booked_minutes: Money;
  list_price_cents: Money;
}

/** A customer whom a movement, or a segment at the end of a day, counts. */
export interface MovementCustomer {
  square_customer_id: string;
  customer_name: string | null;
  first_visit_at: string | null;
  last_visit_before_at: string | null;
  last_visit_at: string | null;
  known_at: string | null;
}

/** A customer whom a number of a cohort counts. */
export interface CohortCustomer {
  square_customer_id: string;
  customer_name: string | null;
  first_visit_at: string;
  returned_at: string | null;
  location_id: string | null;
  location_name: string | null;
}

/** A payment or a refund that a number of the period counts. */
export interface CountedPayment {
  kind: "payment" | "refund";
  id: string;
  created_at: string;
  location_id: string | null;
  location_name: string | null;
  customer_id: string | null;
  customer_name: string | null;
  revenue_cents: Money;
  tips_cents: Money;
  gross_cents: Money;
  refunded_cents: Money;
  net_cents: Money;
}

/** The number of the period that counts it. */
export type PaymentNumber =
  | "revenue_cents"
  | "tips_cents"
  | "gross_cents"
  | "refunded_cents"
  | "net_cents"
  | "payment_count"
  | "unassigned_revenue_cents";

export interface DriftDay {
  date: string;
  sweeps: number;
  checked: number;
  drifted: number;
  columns: { column: string; rows: number }[];
}

/** What the live stream tells: ids and names of columns, no values. */
export interface Change {
  event_id: string;
  event_type: string;
  at: string;
  customer_ids: string[];
  columns: string[];
}

export interface StoredEvent {
  organization_id: string;
  event_id: string;
  event_type: string;
  status: string;
  attempts: number;
  received_at: string;
  last_error: string | null;
  reason: string | null;
}

export interface EventsPage {
  events: StoredEvent[];
  next_cursor: string | null;
}
