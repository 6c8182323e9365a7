import { useEffect, useState } from "react";
import type { CustomerFilters } from "../../reports/customer-filters.js";
import { useAddress } from "../shared/address.js";
import { words } from "../shared/format.js";
import { useOrganization } from "../shared/organization.js";
import { SEGMENT_WORDS } from "../shared/value.js";

/** The filters of the list. The compiler refuses a missing one. The address and the API use the same names. */
const filters: Record<keyof CustomerFilters, true> = {
  q: true,
  segment: true,
  customer_type: true,
  visit_frequency: true,
  location_id: true,
  technician_id: true,
  overdue: true,
  due_within_days: true,
  upcoming: true,
  min_visits: true,
  last_visit_from: true,
  last_visit_to: true,
  birthday_month: true,
};
export const FILTERS = Object.keys(filters) as (keyof CustomerFilters)[];

const FREQUENCIES = ["WEEKLY", "BIWEEKLY", "MONTHLY", "BIMONTHLY", "OCCASIONAL"];
const MONTHS = Array.from({ length: 12 }, (_, month) =>
  new Intl.DateTimeFormat("en-US", { month: "long" }).format(new Date(2000, month, 1)),
);

/** Filters of one parameter each. */
const RHYTHM = [
  { label: "Any rhythm", changes: {} },
  { label: "Overdue", changes: { overdue: "true" } },
  { label: "Due within 7 days", changes: { due_within_days: "7" } },
  { label: "Due within 30 days", changes: { due_within_days: "30" } },
  { label: "Has a booking", changes: { upcoming: "true" } },
  { label: "Has no booking", changes: { upcoming: "false" } },
] as const;
const NO_RHYTHM = { overdue: undefined, due_within_days: undefined, upcoming: undefined };

/** The filters, all of them in the address. */
export function Filters() {
  const { parameters, change } = useAddress();
  const { locations } = useOrganization();
  const rhythm = RHYTHM.findIndex(({ changes }) => {
    const wanted: Record<string, string> = changes;
    return Object.keys(NO_RHYTHM).every((name) => (parameters.get(name) ?? undefined) === wanted[name]);
  });
  const active = FILTERS.filter((name) => parameters.has(name));
  return (
    <search className="controls">
      <Search />
      <Choice name="segment" all="All segments" options={Object.entries(SEGMENT_WORDS)} />
      <select
        className="field"
        aria-label="Rhythm"
        value={rhythm}
        onChange={({ target }) => change({ ...NO_RHYTHM, ...RHYTHM[Number(target.value)]?.changes })}
      >
        {rhythm < 0 && <option value={-1}>Several</option>}
        {RHYTHM.map(({ label }, index) => (
          <option key={label} value={index}>
            {label}
          </option>
        ))}
      </select>
      <Choice
        name="visit_frequency"
        all="Any frequency"
        options={FREQUENCIES.map((each) => [each, words(each)])}
      />
      {locations.length > 1 && (
        <Choice
          name="location_id"
          all="All locations"
          options={locations.map(({ location_id, name }) => [location_id, name])}
        />
      )}
      <Choice
        name="birthday_month"
        all="Any birthday"
        options={MONTHS.map((month, index) => [String(index + 1), `Born in ${month}`])}
      />
      {active.length > 0 && (
        <button
          type="button"
          className="button"
          onClick={() => change(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
        >
          Clear {active.length === 1 ? "filter" : `${active.length} filters`}
        </button>
      )}
    </search>
  );
}

function Choice({
  name,
  all,
  options,
}: {
  name: keyof CustomerFilters;
  all: string;
  options: readonly (readonly [value: string, label: string])[];
}) {
  const { parameters, change } = useAddress();
  const value = parameters.get(name) ?? "";
  return (
    <select
      className="field"
      aria-label={words(name)}
      value={value}
      onChange={({ target }) => change({ [name]: target.value })}
    >
      <option value="">{all}</option>
      {options.map(([each, label]) => (
        <option key={each} value={each}>
          {label}
        </option>
      ))}
      {value !== "" && !options.some(([each]) => each === value) && <option value={value}>{value}</option>}
    </select>
  );
}

const TYPING_MS = 200;

function Search() {
  const { parameters, change } = useAddress();
  const asked = parameters.get("q") ?? "";
  const [text, setText] = useState(asked);
  // Back and forward change the address, and the field follows.
  useEffect(() => setText(asked), [asked]);
  useEffect(() => {
    if (text.trim() === asked) return;
    const typed = setTimeout(() => change({ q: text.trim() }, { replace: asked !== "" }), TYPING_MS);
    return () => clearTimeout(typed);
  }, [text, asked, change]);
  return (
    <input
      className="field search-field"
      type="search"
      placeholder="Name, e-mail, phone or id"
      aria-label="Search"
      value={text}
      onChange={({ target }) => setText(target.value)}
    />
  );
}
