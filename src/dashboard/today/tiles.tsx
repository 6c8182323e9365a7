import type { Kpi } from "../api/types.js";
import { Figure } from "../shared/figure.js";
import { day, change as inWords } from "../shared/format.js";
import { type MeasureName, measured, measures } from "../shared/measures.js";
import { Upcoming } from "./upcoming.js";

const SHOWN = [
  "accepted_appointments",
  "new_customers",
  "returning_customers",
  "rebooked_visits",
  "avg_ticket_cents",
  "no_show_appointments",
  "cancelled_by_customer",
] as const satisfies readonly MeasureName[];

/** The numbers of the period, each beside the period before. */
export function Tiles({ kpi, url }: { kpi: Kpi; url: string }) {
  const previous = `${day(kpi.previous.from)} to ${day(kpi.previous.to)}`;
  return (
    <ul className="tiles">
      {SHOWN.map((name) => (
        <li key={name} className="tile">
          <h2 className="tile-label">{measures[name].label}</h2>
          <p className="tile-value">
            <Figure explain={`kpi/${name}`}>{measured(name, kpi.current)}</Figure>
          </p>
          <p className="tile-foot small">
            <span
              className={tone(name, kpi.change[name])}
              title={`${measured(name, kpi.before)} from ${previous}`}
            >
              {inWords(kpi.change[name])}
            </span>
            <a
              className="json"
              href={url}
              target="_blank"
              rel="noreferrer"
              aria-label={`${measures[name].label} as JSON`}
            >
              JSON
            </a>
          </p>
        </li>
      ))}
      <li className="tile">
        <Upcoming />
      </li>
    </ul>
  );
}

function tone(name: MeasureName, ratio: number | null): string {
  if (ratio === null || ratio === 0) return "muted";
  return ratio > 0 === (measures[name].bad === true) ? "warn" : "good";
}
