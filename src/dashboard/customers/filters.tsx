import { useEffect, useState } from "react";
import type { CustomerFilters } from "../../reports/customer-filters.js";
import { useAddress } from "../shared/address.js";
import { words } from "../shared/format.js";
import { nameInWords } from "../shared/name.js";
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
const TYPES = ["SERVICE_CLIENT", "RETAIL", "CANCELLED_ONLY", "POTENTIAL"];
const LEAST_VISITS = [1, 2, 3, 5, 10, 20, 50];
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

/** Behind "More filters", so that the customers begin near the top of the page. */
const MORE = [
  "visit_frequency",
  "location_id",
  "customer_type",
  "birthday_month",
  "min_visits",
  "last_visit_from",
  "last_visit_to",
] as const satisfies readonly (keyof CustomerFilters)[];

/** The filters, all of them in the address. */
export function Filters() {
  const { parameters, change } = useAddress();
  const { team_members } = useOrganization();
  const active = FILTERS.filter((name) => parameters.has(name));
  return (
    <search className="filters">
      <Search />
      <Choice name="segment" all="All segments" options={Object.entries(SEGMENT_WORDS)} />
      <Rhythm />
      {team_members.length > 0 && (
        <Choice
          name="technician_id"
          all="Any technician"
          options={team_members.map(({ team_member_id: id, name }) => [id, nameInWords(id, name)])}
        />
      )}
      <MoreFilters />
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

function Rhythm() {
  const { parameters, change } = useAddress();
  const rhythm = RHYTHM.findIndex(({ changes }) => {
    const wanted: Record<string, string> = changes;
    return Object.keys(NO_RHYTHM).every((name) => (parameters.get(name) ?? undefined) === wanted[name]);
  });
  return (
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
  );
}

function MoreFilters() {
  const { parameters, change } = useAddress();
  const { locations } = useOrganization();
  const active = MORE.filter((name) => parameters.has(name)).length;
  const isOpen = parameters.has("more");
  return (
    <>
      <button
        type="button"
        className="button"
        aria-expanded={isOpen}
        aria-controls="more-filters"
        onClick={() => change({ more: isOpen ? undefined : "1" }, { replace: true })}
      >
        {active === 0 ? "More filters" : `More filters (${active})`}
      </button>
      <div id="more-filters" className="filters" hidden={!isOpen}>
        <Choice
          name="visit_frequency"
          all="Any frequency"
          options={FREQUENCIES.map((each) => [each, words(each)])}
        />
        {locations.length > 1 && (
          <Choice
            name="location_id"
            all="All locations"
            options={locations.map(({ location_id: id, name }) => [id, nameInWords(id, name)])}
          />
        )}
        <Choice name="customer_type" all="Any type" options={TYPES.map((each) => [each, words(each)])} />
        <Choice
          name="birthday_month"
          all="Any birthday"
          options={MONTHS.map((month, index) => [String(index + 1), `Born in ${month}`])}
        />
        <Choice
          name="min_visits"
          all="Any visits"
          options={LEAST_VISITS.map((each) => [String(each), `${each}+ visits`])}
        />
        <div className="day-range">
          <span className="muted">Last visit</span>
          <DayField name="last_visit_from" />
          <span className="muted">to</span>
          <DayField name="last_visit_to" />
        </div>
      </div>
    </>
  );
}

/** A local day, which the address holds as `YYYY-MM-DD`. */
function DayField({ name }: { name: keyof CustomerFilters }) {
  const { parameters, change } = useAddress();
  return (
    <input
      className="field"
      type="date"
      aria-label={words(name)}
      value={parameters.get(name) ?? ""}
      onChange={({ target }) => change({ [name]: target.value }, { replace: true })}
    />
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
      aria-label={words(name.replace(/_id$/, ""))}
      value={value}
      onChange={({ target }) => change({ [name]: target.value })}
    >
      <option value="">{all}</option>
      {options.map(([each, label]) => (
        <option key={each} value={each}>
          {label}
        </option>
      ))}
      {value !== "" && !options.some(([each]) => each === value) && (
        <option value={value}>{name.endsWith("_id") ? nameInWords(value, null) : value}</option>
      )}
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
