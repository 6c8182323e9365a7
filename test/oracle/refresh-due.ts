/**
 * refresh_due_at by brute force. It collects every instant at which a value may change, and recomputes all clock
 * columns at each of them in order of time. The first instant at which a column differs is the result.
 */
import { compare } from "./arithmetic.js";
import { acceptedInOrder, localDays } from "./booking-columns.js";
import { clockColumns, segmentDays } from "./clock-columns.js";
import type { FactTables } from "./facts.js";
import { DAY } from "./instants.js";
import type { CustomerFacts } from "./read.js";

/** The earliest instant after N at which the clock alone changes a column. NULL: never. */
export function refreshDueAt(facts: FactTables, customer: CustomerFacts, now: bigint): bigint | null {
  const today = columnsAsText(facts, customer, now);
  const candidates = [...new Set(candidateInstants(facts, customer))]
    .filter((instant) => instant > now)
    .sort(compare);
  return candidates.find((instant) => columnsAsText(facts, customer, instant) !== today) ?? null;
}

function columnsAsText(facts: FactTables, customer: CustomerFacts, now: bigint): string {
  return JSON.stringify(clockColumns(facts, customer, now), (_name, value) =>
    typeof value === "bigint" ? `${value}` : value,
  );
}

function candidateInstants(facts: FactTables, customer: CustomerFacts): bigint[] {
  const windows = [30n * DAY, 90n * DAY, 365n * DAY];
  const segments = segmentDays(facts);
  const thresholds = [0n, ...windows, segments.new, segments.active, segments.at_risk];
  const accepted = acceptedInOrder(customer.bookings);
  const first = accepted[0];
  return [
    ...customer.bookings.flatMap((booking) => thresholds.map((length) => booking.start_at + length)),
    ...customer.payments.flatMap((payment) => windows.map((length) => payment.created_at + length)),
    // Any ACCEPTED booking may become the last visit. Then 1.5 average gaps after it count, rounded up.
    ...accepted.flatMap((last, index) => {
      const gaps = localDays(facts, accepted.slice(0, index + 1)) - 1;
      if (first === undefined || gaps === 0) return [];
      const span = last.start_at - first.start_at;
      const divisor = 2n * BigInt(gaps);
      return [last.start_at + (3n * span + divisor - 1n) / divisor];
    }),
  ];
}
