/** The reports, computed from the fact tables in plain TypeScript. They are written from the reports' definitions. */
import { compare, distinct, rounded, roundedInteger, smallest, sum } from "./arithmetic.js";
import { acceptedInOrder } from "./booking-columns.js";
import { isPrebooked, segmentAt } from "./clock-columns.js";
import type { FactTables } from "./facts.js";
import { DAY, HOUR, localTime, toIsoMillis, toMicros, toMicrosOrNull } from "./instants.js";
import {
  type Booking,
  type CustomerFacts,
  customersWithARow,
  readBookings,
  readPayments,
  readRefunds,
  timeZoneOf,
} from "./read.js";

export interface ReportScope {
  readonly from: string;
  readonly to: string;
  readonly locationId: string | null;
}

type Numbers = Record<string, number | string | null | readonly Record<string, number | string>[]>;

export function expectedKpi(facts: FactTables, scope: ReportScope, now: bigint): Record<string, unknown> {
  const { from, to } = scope;
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  const shifted = (day: string, by: number) =>
    new Date(Date.parse(day) + by * 86_400_000).toISOString().slice(0, 10);
  const previous = { from: shifted(from, -days), to: shifted(from, -1) };
  const current = kpiOf(facts, scope, now);
  const before = kpiOf(facts, { ...scope, ...previous }, now);
  const numbers = Object.keys(current).filter((name) => name !== "currency" && name !== "other_currencies");
  const change = numbers.map((name) => [name, relative(current[name], before[name])]);
  return { period: { from, to }, previous, current, before, change: Object.fromEntries(change) };
}

/** (current - before) / before, null where before is 0 or null. */
function relative(current: unknown, before: unknown): number | null {
  if (current === null || before === null || before === 0) return null;
  const exact = (value: unknown) => BigInt(Math.round(Number(value) * 10_000));
  return Number(rounded(exact(current) - exact(before), exact(before), 4));
}

function kpiOf(facts: FactTables, scope: ReportScope, now: bigint): Numbers {
  const everybody = customersWithARow(facts);
  const inPeriod = bookingsIn(facts, scope);
  const byStatus = (status: string) => inPeriod.filter((booking) => booking.status === status).length;
  const accepted = inPeriod.filter((booking) => booking.status === "ACCEPTED");
  const unique = distinct(accepted.map((booking) => booking.customer_id)).length;
  const firsts = everybody.map((customer) => acceptedInOrder(customer.bookings)[0]?.booking_id);
  const fresh = accepted.filter(({ booking_id }) => firsts.includes(booking_id)).length;
  const visits = accepted.filter((booking) => booking.start_at <= now);
  const rebooked = visits.filter((visit) => wasRebooked(everybody, visit)).length;
  const { currency } = facts.organization;
  const main = moneyOf(facts, scope, currency);
  const others = distinct([...facts.payments, ...facts.refunds].map((row) => row.currency))
    .filter((other) => other !== currency)
    .sort(compare)
    .map((other) => ({ currency: other, ...moneyOf(facts, scope, other) }))
    .filter(({ payment_count, moved }) => payment_count > 0 || moved);
  const { moved: _, unassigned_revenue_cents, ...money } = main;
  return {
    accepted_appointments: accepted.length,
    pending_appointments: byStatus("PENDING"),
    cancelled_by_customer: byStatus("CANCELLED_BY_CUSTOMER"),
    cancelled_by_seller: byStatus("CANCELLED_BY_SELLER"),
    no_show_appointments: byStatus("NO_SHOW"),
    unique_customers: unique,
    new_customers: fresh,
    returning_customers: unique - fresh,
    rebooked_visits: rebooked,
    rebooking_rate: visits.length === 0 ? null : Number(rounded(BigInt(rebooked), BigInt(visits.length), 4)),
    currency,
    ...money,
    avg_ticket_cents:
      main.payment_count === 0
        ? 0
        : Number(roundedInteger(BigInt(main.revenue_cents), BigInt(main.payment_count))),
    unassigned_revenue_cents,
    other_currencies: others.map(
      ({ moved: _moved, unassigned_revenue_cents: _unassigned, ...other }) => other,
    ),
  };
}

function moneyOf(facts: FactTables, scope: ReportScope, currency: string) {
  const payments = readPayments(facts);
  const sales = payments.filter(
    (payment) =>
      payment.status === "COMPLETED" &&
      payment.currency === currency &&
      lies(facts, scope, payment, payment.created_at),
  );
  const refunds = readRefunds(facts).filter((refund) => {
    const payment = payments.find((candidate) => candidate.payment_id === refund.payment_id);
    const place = { location_id: refund.location_id ?? payment?.location_id ?? null };
    return (
      refund.status === "COMPLETED" &&
      refund.currency === currency &&
      lies(facts, scope, place, refund.created_at)
    );
  });
  const gross = sum(sales.map((payment) => payment.total_cents));
  const refunded = sum(refunds.map((refund) => refund.amount_cents));
  return {
    revenue_cents: Number(sum(sales.map((payment) => payment.amount_cents))),
    tips_cents: Number(sum(sales.map((payment) => payment.tip_cents))),
    gross_cents: Number(gross),
    refunded_cents: Number(refunded),
    net_cents: Number(gross - refunded),
    payment_count: sales.length,
    unassigned_revenue_cents: Number(
      sum(sales.filter((payment) => payment.customer_id === null).map((payment) => payment.amount_cents)),
    ),
    moved: refunds.length > 0,
  };
}

/** The segments at the end of each local day of the organization until today. Today counts as of now. */
export function expectedSegmentsDaily(facts: FactTables, { from, to }: ReportScope, now: bigint) {
  const days: Record<string, unknown>[] = [];
  for (let day = from; day <= to && day <= todayOf(facts, now); day = nextDay(day)) {
    const count: Record<string, number> = { NEVER_VISITED: 0, NEW: 0, ACTIVE: 0, AT_RISK: 0, LOST: 0 };
    for (const customer of customersWithARow(facts)) {
      const segment = segmentOf(facts, customer, day, now);
      if (segment !== null) count[segment] = (count[segment] ?? 0) + 1;
    }
    days.push({ date: day, ...count });
  }
  return days;
}

export function expectedMovements(facts: FactTables, scope: ReportScope, now: bigint) {
  const counted = new Map<string, number>();
  for (const { from_segment, to_segment } of expectedMoves(facts, scope, now)) {
    const key = JSON.stringify([from_segment, to_segment]);
    counted.set(key, (counted.get(key) ?? 0) + 1);
  }
  return [...counted].map(([key, customers]) => {
    const [from_segment, to_segment] = JSON.parse(key);
    return { from_segment, to_segment, customers };
  });
}

/** Each customer of a movement, with the visits that decide the segments. */
export function expectedMoves(facts: FactTables, { from, to }: ReportScope, now: bigint) {
  if (from > todayOf(facts, now)) return [];
  const dayBefore = new Date(Date.parse(from) - 86_400_000).toISOString().slice(0, 10);
  return customersWithARow(facts).flatMap((customer) => {
    const to_segment = segmentOf(facts, customer, to, now);
    if (to_segment === null) return [];
    const visits = visitsUntil(facts, customer, to, now);
    const before = visitsUntil(facts, customer, dayBefore, now);
    return {
      square_customer_id: customer.id,
      from_segment: segmentOf(facts, customer, dayBefore, now),
      to_segment,
      first_visit_at: inJson(visits[0]?.start_at ?? null),
      last_visit_before_at: inJson(before.at(-1)?.start_at ?? null),
      last_visit_at: inJson(visits.at(-1)?.start_at ?? null),
      known_at: before.length > 0 ? null : inJson(knownAt(customer)),
    };
  });
}

/** The segment at the end of a local day of the organization, or now if that is earlier. Null: not known by then. */
function segmentOf(facts: FactTables, customer: CustomerFacts, day: string, now: bigint): string | null {
  const visits = visitsUntil(facts, customer, day, now);
  const known = knownAt(customer);
  if (visits.length === 0 && known !== null && !isOver(facts, known, day, now)) return null;
  const at = todayOf(facts, now) <= day ? now : endOf(day, facts.organization.time_zone);
  return segmentAt(facts, visits[0]?.start_at ?? null, visits.at(-1)?.start_at ?? null, at);
}

const inJson = (instant: bigint | null) => (instant === null ? null : toIsoMillis(instant));

function visitsUntil(facts: FactTables, customer: CustomerFacts, day: string, now: bigint): Booking[] {
  return acceptedInOrder(customer.bookings).filter((visit) => isOver(facts, visit.start_at, day, now));
}

function isOver(facts: FactTables, instant: bigint, day: string, now: bigint): boolean {
  return instant <= now && localTime(instant, facts.organization.time_zone).date <= day;
}

/** Since when a customer is known. Null: always. */
function knownAt(customer: CustomerFacts): bigint | null {
  return smallest([
    ...[toMicrosOrNull(customer.liveProfile?.created_at)].filter((at) => at !== null),
    ...customer.bookings.map((booking) => booking.created_at),
    ...customer.payments.map((payment) => payment.created_at),
  ]);
}

/** The last microsecond of a local day, found by bisection. */
function endOf(day: string, zone: string): bigint {
  let before = toMicros(`${day}T00:00:00Z`) - 2n * DAY;
  let after = before + 5n * DAY;
  while (after - before > 1n) {
    const middle = (before + after) / 2n;
    if (localTime(middle, zone).date <= day) before = middle;
    else after = middle;
  }
  return before;
}

const cohortKeys: Readonly<Record<string, (first: Booking, day: string) => string | null>> = {
  month: (_first, day) => day.slice(0, 7),
  location: (first) => first.location_id,
  technician: (first) =>
    somebody(first.segments.find((segment) => segment.segment_index === 0)?.team_member_id),
  service: (first) =>
    first.segments.find((segment) => segment.segment_index === 0)?.service_variation_id ?? null,
};

export function expectedRetention(facts: FactTables, by: string, scope: ReportScope, now: bigint) {
  const cohorts = new Map<string | null, Record<string, number>>();
  for (const { cohort: key, counted } of expectedMembers(facts, by, scope, now)) {
    const cohort = cohorts.get(key) ?? {};
    cohorts.set(key, cohort);
    for (const [name, counts] of Object.entries(counted))
      cohort[name] = (cohort[name] ?? 0) + (counts ? 1 : 0);
  }
  return [...cohorts].map(([cohort, counts]) => ({ cohort, ...counts }));
}

/** Each customer whose first visit is in the period, and whether each number of the cohort counts them. */
export function expectedMembers(facts: FactTables, by: string, scope: ReportScope, now: bigint) {
  return customersWithARow(facts).flatMap((customer) => {
    const visits = acceptedInOrder(customer.bookings).filter((visit) => visit.start_at <= now);
    const [first] = visits;
    if (!first || !lies(facts, scope, first, first.start_at)) return [];
    const next = visits.find((visit) => dayOf(facts, visit) !== dayOf(facts, first));
    const counted: Record<string, boolean> = { customers: true };
    for (const days of [30, 60, 90, 180]) {
      const until = first.start_at + BigInt(days) * DAY;
      const eligible = until <= now;
      counted[`eligible_${days}d`] = eligible;
      counted[`returned_${days}d`] = eligible && next !== undefined && next.start_at <= until;
    }
    const row = {
      square_customer_id: customer.id,
      cohort: cohortKeys[by]?.(first, dayOf(facts, first)) ?? null,
      first_visit_at: toIsoMillis(first.start_at),
      returned_at: inJson(next?.start_at ?? null),
      location_id: first.location_id,
    };
    return { cohort: row.cohort, counted, row };
  });
}

export function expectedTeam(facts: FactTables, scope: ReportScope, now: bigint) {
  const everybody = customersWithARow(facts);
  const bookings = bookingsIn(facts, scope);
  const isVisit = (booking: Booking) => booking.status === "ACCEPTED" && booking.start_at <= now;
  const members = distinct(
    bookings
      .filter(isVisit)
      .flatMap(({ segments }) => segments.map((segment) => somebody(segment.team_member_id))),
  );
  return members.map((member) => {
    const own = bookings.filter(({ segments }) =>
      segments.some((segment) => segment.team_member_id === member),
    );
    const visits = own.filter(isVisit);
    const firsts = everybody.map(
      (customer) => acceptedInOrder(customer.bookings).find((booking) => booking.start_at <= now)?.booking_id,
    );
    const minutes = visits.flatMap(({ segments }) =>
      segments
        .filter((segment) => segment.team_member_id === member)
        .map((segment) => segment.duration_minutes ?? 0),
    );
    return {
      team_member_id: member,
      visits: visits.length,
      customers: distinct(visits.map((visit) => visit.customer_id)).length,
      new_customers: visits.filter(({ booking_id }) => firsts.includes(booking_id)).length,
      rebooked_visits: visits.filter((visit) => wasRebooked(everybody, visit)).length,
      no_shows: own.filter(({ status }) => status === "NO_SHOW").length,
      late_cancellations: own.filter(
        (booking) =>
          booking.status === "CANCELLED_BY_CUSTOMER" && booking.start_at - booking.updated_at < 24n * HOUR,
      ).length,
      booked_minutes: minutes.reduce((total, each) => total + each, 0),
    };
  });
}

function wasRebooked(everybody: readonly CustomerFacts[], visit: Booking): boolean {
  const customer = everybody.find(({ id }) => id === visit.customer_id);
  return customer !== undefined && isPrebooked(customer, visit);
}

function somebody(teamMemberId: string | null | undefined): string | null {
  return teamMemberId === "anyTeamMember" ? null : (teamMemberId ?? null);
}

function bookingsIn(facts: FactTables, scope: ReportScope): Booking[] {
  return readBookings(facts).filter((booking) => lies(facts, scope, booking, booking.start_at));
}

/** Whether the local day at the location is in the period, and the location is selected. */
function lies(
  facts: FactTables,
  { from, to, locationId }: ReportScope,
  { location_id }: { readonly location_id: string | null },
  at: bigint,
): boolean {
  const { date } = localTime(at, timeZoneOf(facts, location_id));
  return from <= date && date <= to && (locationId === null || location_id === locationId);
}

function dayOf(facts: FactTables, { location_id, start_at }: Booking): string {
  return localTime(start_at, timeZoneOf(facts, location_id)).date;
}

function todayOf(facts: FactTables, now: bigint): string {
  return localTime(now, facts.organization.time_zone).date;
}

function nextDay(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
}
