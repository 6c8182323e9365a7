import { useAddress } from "./address.js";
import { addDays, day, dayIn, daysBetween } from "./format.js";
import { useOrganization } from "./organization.js";
import "./controls.css";

const PERIODS = [
  { name: "today", label: "Today", days: 1 },
  { name: "7", label: "7 days", days: 7 },
  { name: "30", label: "30 days", days: 30 },
  { name: "90", label: "90 days", days: 90 },
] as const;

const DEFAULT_DAYS = 30;

export interface Scope {
  from: string;
  to: string;
  today: string;
  locationId: string | undefined;
  /** `Oct 27 to Nov 25, both locations, America/Los_Angeles` */
  sentence: string;
  /** As the API takes it. */
  query: Record<string, string | undefined>;
}

/** The period and place that the address names. */
export function useScope(): Scope {
  const { parameters } = useAddress();
  const organization = useOrganization();
  const location = organization.locations.find(
    ({ location_id }) => location_id === parameters.get("location"),
  );
  const today = dayIn(new Date(), location?.time_zone ?? organization.time_zone);
  const [from, to] = periodOf(parameters, today);
  const days = from === to ? day(from) : `${day(from, to)} to ${day(to)}`;
  const zones = new Set(organization.locations.map(({ time_zone }) => time_zone));
  const zone = location?.time_zone ?? (zones.size === 1 ? [...zones][0] : undefined);
  const place =
    location?.name ??
    (organization.locations.length === 1 ? organization.locations[0]?.name : "all locations");
  return {
    from,
    to,
    today,
    locationId: location?.location_id,
    sentence: `${days}, ${place ?? "all locations"}, ${zone ? `time zone ${zone}` : "days of each location's time zone"}.`,
    query: { from, to, location_id: location?.location_id },
  };
}

function periodOf(parameters: URLSearchParams, today: string): [from: string, to: string] {
  const [from, to] = [parameters.get("from"), parameters.get("to")];
  if (from && to) return [from, to];
  const days = PERIODS.find(({ name }) => name === parameters.get("period"))?.days ?? DEFAULT_DAYS;
  return [addDays(today, 1 - days), today];
}

/** Chooses period and place, and writes them into the address. */
export function ScopeControls({ places = true }: { places?: boolean }) {
  const { parameters, change } = useAddress();
  const { locations } = useOrganization();
  const { from, to, today } = useScope();
  const isCustom = parameters.has("from");
  const length = daysBetween(from, to) + 1;
  return (
    <div className="controls">
      <fieldset className="segmented">
        <legend className="visually-hidden">Period</legend>
        {PERIODS.map(({ name, label, days }) => (
          <button
            key={name}
            type="button"
            aria-pressed={!isCustom && length === days}
            onClick={() =>
              change({ period: days === DEFAULT_DAYS ? undefined : name, from: undefined, to: undefined })
            }
          >
            {label}
          </button>
        ))}
        <button type="button" aria-pressed={isCustom} onClick={() => change({ period: undefined, from, to })}>
          Custom
        </button>
      </fieldset>
      {isCustom && (
        <div className="row">
          <input
            className="field"
            type="date"
            aria-label="From"
            value={from}
            max={to}
            onChange={({ target }) => target.value && change({ from: target.value }, { replace: true })}
          />
          <input
            className="field"
            type="date"
            aria-label="To"
            value={to}
            min={from}
            max={today > to ? today : to}
            onChange={({ target }) => target.value && change({ to: target.value }, { replace: true })}
          />
        </div>
      )}
      {places && locations.length > 1 && (
        <select
          className="field"
          aria-label="Location"
          value={parameters.get("location") ?? ""}
          onChange={({ target }) => change({ location: target.value })}
        >
          <option value="">All locations</option>
          {locations.map(({ location_id, name }) => (
            <option key={location_id} value={location_id}>
              {name}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
