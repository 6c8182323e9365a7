import { type ReactNode, useEffect, useState } from "react";
import { useAddress } from "./address.js";
import { day } from "./format.js";
import { nameInWords } from "./name.js";
import { useOrganization } from "./organization.js";
import { BY_HAND, FIRST_DAY, lastDays, PERIODS, type Period, periodOf, relative } from "./period.js";
import { Empty } from "./states.js";
import { useToday } from "./today.js";
import "./controls.css";

export interface Scope extends Period {
  today: string;
  locationId: string | undefined;
  /** The location that the address names, and that the seller does not have. */
  unknownLocation: string | undefined;
  /** `Oct 27 to Nov 25, both locations, America/Los_Angeles` */
  sentence: string;
  /** As the API takes it. */
  query: Record<string, string | undefined>;
}

/** The period and place that the address names. */
export function useScope(): Scope {
  const { parameters } = useAddress();
  const organization = useOrganization();
  const named = parameters.get("location") || undefined;
  const location = organization.locations.find(({ location_id }) => location_id === named);
  const unknownLocation = location ? undefined : named;
  const today = useToday(location?.time_zone ?? organization.time_zone);
  const period = periodOf(parameters, today);
  const { from, to } = period;
  const days = from === to ? day(from) : `${day(from, to)} to ${day(to)}`;
  const zones = new Set(organization.locations.map(({ time_zone }) => time_zone));
  const zone = location?.time_zone ?? (zones.size === 1 ? [...zones][0] : undefined);
  const [only, ...others] = organization.locations;
  const one = location ?? (others.length === 0 && unknownLocation === undefined ? only : undefined);
  const place = one
    ? nameInWords(one.location_id, one.name)
    : unknownLocation
      ? "a location that is not known"
      : "all locations";
  return {
    ...period,
    today,
    locationId: location?.location_id,
    unknownLocation,
    sentence: `${days}, ${place}, ${zone ? `time zone ${zone}` : "days of each location's time zone"}.`,
    query: { from, to, location_id: location?.location_id },
  };
}

/** What follows the page's place. It gives way when the seller has no such place, and the address stays. */
export function Placed({ children }: { children: ReactNode }) {
  const { change } = useAddress();
  if (useScope().unknownLocation === undefined) return children;
  return (
    <Empty title="There is no such location.">
      <button type="button" className="button" onClick={() => change({ location: undefined })}>
        Show all locations
      </button>
    </Empty>
  );
}

/** Chooses period and place, and writes them into the address. */
export function ScopeControls({ places = true }: { places?: boolean }) {
  const { parameters, change } = useAddress();
  const { locations } = useOrganization();
  const { from, to, today, name: chosen, unknownLocation } = useScope();
  const isCustom = chosen === undefined;
  const byHand = { period: BY_HAND, from, to };
  const meant = relative(parameters, today);
  const [meantFrom, meantTo] = [meant?.from, meant?.to];
  useEffect(() => {
    if (meantFrom && meantTo) change({ period: undefined, from: meantFrom, to: meantTo }, { replace: true });
  }, [meantFrom, meantTo, change]);
  return (
    <div className="controls">
      <fieldset className="segmented">
        <legend className="visually-hidden">Period</legend>
        {PERIODS.map(({ name, label, days }) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === chosen}
            onClick={() => change({ period: undefined, ...lastDays(days, today) })}
          >
            {label}
          </button>
        ))}
        <button type="button" aria-pressed={isCustom} onClick={() => change(byHand)}>
          Custom
        </button>
      </fieldset>
      {isCustom && (
        <div className="row">
          <DayField
            label="From"
            value={from}
            min={FIRST_DAY}
            max={to}
            choose={(day) => change({ ...byHand, from: day }, { replace: true })}
          />
          <DayField
            label="To"
            value={to}
            min={from}
            max={today > to ? today : to}
            choose={(day) => change({ ...byHand, to: day }, { replace: true })}
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
              {nameInWords(location_id, name)}
            </option>
          ))}
          {unknownLocation && <option value={unknownLocation}>{nameInWords(unknownLocation, null)}</option>}
        </select>
      )}
    </div>
  );
}

interface DayFieldProps {
  readonly label: string;
  readonly value: string;
  readonly min: string;
  readonly max: string;
  readonly choose: (day: string) => void;
}

/** A day entered by hand. What is half typed, or outside `min` and `max`, stays in the field and changes nothing. */
function DayField({ label, value, min, max, choose }: DayFieldProps) {
  const [draft, setDraft] = useState<string>();
  return (
    <input
      className="field"
      type="date"
      aria-label={label}
      value={draft ?? value}
      min={min}
      max={max}
      onChange={({ target }) => {
        const isWhole = target.value !== "" && target.validity.valid;
        setDraft(isWhole ? undefined : target.value);
        if (isWhole) choose(target.value);
      }}
      onBlur={() => setDraft(undefined)}
    />
  );
}
