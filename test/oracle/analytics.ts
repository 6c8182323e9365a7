/** The exact rows of `customer_analytics` for the facts. */
import { bookingColumns } from "./booking-columns.js";
import { clockColumns } from "./clock-columns.js";
import type { FactTables, Row } from "./facts.js";
import { type InstantLike, toIsoOrNull, toMicros } from "./instants.js";
import { paymentColumns } from "./payment-columns.js";
import { customerType, profileColumns, referralColumns } from "./profile-columns.js";
import { type CustomerFacts, customersWithARow } from "./read.js";
import { refreshDueAt } from "./refresh-due.js";

/**
 * The row of every customer who has one, by customer id, computed at `now`. It has every column except those about
 * the writing: created_at, updated_at, computed_at, definition_version.
 */
export function expectedAnalytics(facts: FactTables, now: InstantLike): Map<string, Row> {
  const instant = toMicros(now);
  return new Map(
    customersWithARow(facts).map((customer) => [customer.id, expectedRow(facts, customer, instant)]),
  );
}

function expectedRow(facts: FactTables, customer: CustomerFacts, now: bigint): Row {
  const { id } = facts.organization;
  const columns = {
    ...(id === undefined ? {} : { organization_id: id }),
    square_customer_id: customer.id,
    ...profileColumns(customer),
    ...bookingColumns(facts, customer),
    ...paymentColumns(facts, customer),
    ...referralColumns(customer),
    ...clockColumns(facts, customer, now),
  };
  return {
    ...columns,
    customer_type: customerType(columns),
    refresh_due_at: toIsoOrNull(refreshDueAt(facts, customer, now)),
  };
}
