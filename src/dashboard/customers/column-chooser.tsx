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
  return parameters.get("columns")?.split(",").filter(Boolean) ?? DEFAULT;
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
