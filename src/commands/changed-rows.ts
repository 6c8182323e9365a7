/** Which rows an event changed, as the demo tells it. */
import type { ApiRow } from "../analytics/api-row.js";
import { difference } from "../analytics/customer.js";

/** How many changed columns are shown on a line. */
const SHOWN_COLUMNS = 4;
/** What somebody acts on is told before counts and money, as the dashboard tells it. */
const FIRST: readonly string[] = ["is_overdue", "customer_segment"];

export interface ChangedRow {
  readonly customer_id: string;
  readonly name: string;
  readonly change: "new" | "changed" | "removed";
  readonly columns: ReturnType<typeof difference>;
}

/** Every customer whose row changed. */
export function changedRows(
  before: ReadonlyMap<string, ApiRow>,
  after: ReadonlyMap<string, ApiRow>,
): ChangedRow[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((customer_id) => {
    const was = before.get(customer_id);
    const is = after.get(customer_id);
    const columns = is ? difference(was ?? {}, is) : {};
    if (is && Object.keys(columns).length === 0) return [];
    const { given_name, family_name } = { ...was, ...is };
    const name = [given_name, family_name].filter(Boolean).join(" ");
    return [{ customer_id, name, change: !is ? "removed" : was ? "changed" : "new", columns } as const];
  });
}

/** The change on one line: the customer, and the first of the changed columns before and after. */
export function describeChange({ customer_id, name, change, columns }: ChangedRow): string {
  const who = `    ${name || "(no profile)"} ${customer_id}:`;
  if (change === "removed") return `${who} row removed`;
  const all = Object.entries(columns)
    .sort(([one], [other]) => rankOf(one) - rankOf(other))
    .map(([column, { before, after }]) => `${column} ${brief(before)} -> ${brief(after)}`);
  const more = all.length - SHOWN_COLUMNS;
  const shown = all.slice(0, SHOWN_COLUMNS).join(", ");
  return `${who} ${change === "new" ? "new; " : ""}${shown}${more > 0 ? ` and ${more} more` : ""}`;
}

function rankOf(column: string): number {
  const rank = FIRST.indexOf(column);
  return rank < 0 ? FIRST.length : rank;
}

function brief(value: unknown): string {
  const text = typeof value === "string" ? value.replace(/:\d\d\.\d{3}Z$/, "Z") : JSON.stringify(value);
  return text.length > 28 ? `${text.slice(0, 27)}…` : text;
}
