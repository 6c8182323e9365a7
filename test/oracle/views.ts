/** The rows of `customer_rfm` and `customer_profiles` for rows of `customer_analytics`. */
import type { FactTables, Row } from "./facts.js";
import { DAY, type InstantLike, toMicros } from "./instants.js";
import { nameOf } from "./read.js";

/** The ranges of recency, frequency and monetary score of each class. The first match counts. */
const classes: readonly [name: string, recency: number[], frequency: number[], monetary: number[]][] = [
  ["CHAMPION", [4, 5], [4, 5], [4, 5]],
  ["LOYAL", [3, 5], [4, 5], [1, 5]],
  ["CANNOT_LOSE", [1, 2], [4, 5], [4, 5]],
  ["POTENTIAL_LOYALIST", [4, 5], [2, 3], [1, 5]],
  ["NEW", [5, 5], [1, 1], [1, 5]],
  ["PROMISING", [4, 4], [1, 1], [1, 5]],
  ["NEEDS_ATTENTION", [3, 3], [1, 5], [1, 5]],
  ["AT_RISK", [1, 2], [3, 5], [1, 5]],
  ["HIBERNATING", [2, 2], [1, 5], [1, 5]],
  ["LOST", [1, 5], [1, 5], [1, 5]],
];

/** Scores of the customers with a visit. A later last visit scores higher. */
export function expectedRfm(rows: Iterable<Row>): Row[] {
  const visitors = [...rows].filter((row) => Number(row.total_visits) > 0);
  const score = (row: Row, column: string): number => {
    const value = (of: Row) =>
      column === "last_visit_at" ? String(of[column]) : BigInt(of[column] as number);
    const below = visitors.filter((other) => value(other) < value(row)).length;
    const equal = visitors.filter((other) => value(other) === value(row)).length;
    return Math.min(5, Math.floor((5 * (below + equal / 2)) / visitors.length) + 1);
  };
  return visitors.map((row) => {
    const scores = ["last_visit_at", "total_visits", "total_revenue_cents"].map((column) =>
      score(row, column),
    );
    const isIn = (range: number[], at: number) =>
      (scores[at] as number) >= (range[0] as number) && (scores[at] as number) <= (range[1] as number);
    const match = classes.find(([, ...ranges]) => ranges.every(isIn));
    return {
      ...(row.organization_id === undefined ? {} : { organization_id: row.organization_id }),
      square_customer_id: row.square_customer_id,
      recency: scores[0],
      frequency: scores[1],
      monetary: scores[2],
      rfm_class: match?.[0],
    };
  });
}

/** The rows with the names of preferred location, technician and service, and with ages at the instant of reading. */
export function expectedProfiles(rows: Iterable<Row>, facts: FactTables, readAt: InstantLike): Row[] {
  const now = toMicros(readAt);
  const age = (at: unknown): bigint | null => (at === null ? null : now - toMicros(at as string));
  const days = (length: bigint | null): number | null =>
    length === null ? null : Math.floor(Number(length) / Number(DAY));
  return [...rows].map((row) => {
    const technician = facts.team_members?.find(
      (member) => member.square_team_member_id === row.preferred_technician_id,
    );
    const service = facts.service_variations?.find(
      (variation) => variation.square_variation_id === row.preferred_service_variation_id,
    );
    const untilNext = days(age(row.next_booking_at));
    return {
      ...row,
      preferred_location_name: nameOf(facts, row.preferred_location_id as string | null),
      preferred_technician_name:
        [technician?.given_name, technician?.family_name].filter(Boolean).join(" ") || null,
      preferred_service_name: service?.name ?? null,
      days_since_last_visit: days(age(row.last_visit_at)),
      days_since_last_payment: days(age(row.last_payment_at)),
      days_until_next_booking: untilNext === null ? null : -untilNext,
    };
  });
}
