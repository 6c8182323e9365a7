import type { ColumnEntry } from "../api/types.js";
import { useAddress } from "../shared/address.js";
import { words } from "../shared/format.js";

const DEFAULT = [
  "customer_segment",
  "last_visit_at",
  "avg_days_between_visits",
  "overdue_at",
  "next_booking_at",
  "total_visits",
  "total_revenue_cents",
];

/** The columns that the address names. */
export function chosenColumns(parameters: URLSearchParams): string[] {
  const named = parameters.get("columns")?.split(",").filter(Boolean);
  return named ? [...new Set(named)] : DEFAULT;
}

/** What the list calls a customer by, which is no column that is chosen. */
const NAME = ["square_customer_id", "given_name", "family_name", "company_name"];

/** The same columns for the CSV, behind the id and the parts of the name. It has no column that is unknown. */
export function csvColumns(chosen: readonly string[], known: readonly ColumnEntry[] | undefined): string {
  const shown = chosen.filter((each) => known?.some(({ name }) => name === each) ?? true);
  return [...new Set([...NAME, ...shown])].join(",");
}

/** Chooses among all columns of the dictionary. */
export function ColumnChooser({ columns }: { columns: readonly ColumnEntry[] }) {
  const { parameters, change } = useAddress();
  const chosen = chosenColumns(parameters);
  const toggle = (name: string) => {
    const next = chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
    change(
      { columns: next.length === 0 || next.join() === DEFAULT.join() ? undefined : next.join(",") },
      { replace: true },
    );
  };
  return (
    <>
      <button type="button" className="button" popoverTarget="columns">
        Columns
      </button>
      <div id="columns" popover="auto" className="chooser" role="dialog" aria-label="Columns">
        <div className="spread">
          <h2>Columns</h2>
          <button
            type="button"
            className="quiet-button"
            onClick={() => change({ columns: undefined }, { replace: true })}
          >
            As at first
          </button>
        </div>
        <ul>
          {columns.map(({ name, description }) => (
            <li key={name}>
              <label title={description}>
                <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
                {words(name)}
              </label>
            </li>
          ))}
        </ul>
      </div>
    </>
  );
}
