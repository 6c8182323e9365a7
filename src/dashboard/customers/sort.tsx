import { useAddress } from "../shared/address.js";

/** What the list can be sorted by, and which way round is asked for first. */
export const SORTS = [
  { name: "name", label: "Name", order: "asc" },
  { name: "last_visit_at", label: "Last visit", order: "desc" },
  { name: "first_booking_at", label: "First booking", order: "desc" },
  { name: "next_booking_at", label: "Next booking", order: "asc" },
  { name: "total_visits", label: "Visits", order: "desc" },
  { name: "total_revenue_cents", label: "Revenue", order: "desc" },
  { name: "net_revenue_cents", label: "Net revenue", order: "desc" },
  { name: "avg_ticket_cents", label: "Average ticket", order: "desc" },
  { name: "overdue_at", label: "Overdue date", order: "asc" },
] as const;

export function useSort() {
  const { parameters, change } = useAddress();
  const name = parameters.get("sort") ?? "name";
  const order = parameters.get("order") ?? "asc";
  /** A second time around turns the order. */
  const sortBy = (next: string) => {
    const first = SORTS.find((each) => each.name === next)?.order ?? "asc";
    change({ sort: next, order: next !== name ? first : order === "asc" ? "desc" : "asc" });
  };
  return { name, order, sortBy };
}

/** Sorting where there are no column heads. */
export function SortChoice() {
  const { name, sortBy } = useSort();
  return (
    <select
      className="field"
      aria-label="Sort by"
      value={name}
      onChange={({ target }) => sortBy(target.value)}
    >
      {SORTS.map((each) => (
        <option key={each.name} value={each.name}>
          By {each.label.toLowerCase()}
        </option>
      ))}
    </select>
  );
}
