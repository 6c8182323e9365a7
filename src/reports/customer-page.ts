import { type ApiRow, toApiRow } from "../analytics/api-row.js";

/** A position in a list of customers. */
export interface CustomerPlace {
  readonly id: string;
}

export interface CustomerPage {
  readonly customers: readonly ApiRow[];
  /** The position of the next page. NULL on the last page. */
  readonly next: CustomerPlace | null;
}

/**
 * A page of customers in the order of their ids.
 *
 * @param rows one more than the limit when there is another page
 */
export function customerPage(rows: readonly Record<string, unknown>[], limit: number): CustomerPage {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { customers: page.map(toApiRow), next: last ? { id: String(last.square_customer_id) } : null };
}
