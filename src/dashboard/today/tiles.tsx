import type { ComponentProps } from "react";
import type { Kpi } from "../api/types.js";
import { Figure } from "../shared/figure.js";
import { day, change as inWords } from "../shared/format.js";
import { type MeasureName, measured, measures } from "../shared/measures.js";
import { Pending } from "../shared/states.js";
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

/** The numbers of the period, each beside the period before. On its way, a number keeps its place. */
export function Tiles({
  kpi,
  url,
  upcoming,
}: {
  kpi: Kpi | undefined;
  url: string;
  upcoming: ComponentProps<typeof Upcoming>;
}) {
  return (
    <ul className="tiles">
      {SHOWN.map((name) => (
        <li key={name} className="tile">
          <h2 className="tile-label">{measures[name].label}</h2>
          <p className="tile-value">
            {kpi ? <Figure explain={`kpi/${name}`}>{measured(name, kpi.current)}</Figure> : <Pending />}
          </p>
          <p className="tile-foot small">
            {kpi ? <Change name={name} kpi={kpi} /> : <Pending />}
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
        <Upcoming {...upcoming} />
      </li>
    </ul>
  );
}

function Change({ name, kpi: { previous, before, change } }: { name: MeasureName; kpi: Kpi }) {
  return (
    <span
      className={tone(name, change[name])}
      title={`${measured(name, before)} from ${day(previous.from)} to ${day(previous.to)}`}
    >
      {inWords(change[name])}
    </span>
  );
}

function tone(name: MeasureName, ratio: number | null): string {
  if (ratio === null || ratio === 0) return "muted";
  return ratio > 0 === (measures[name].bad === true) ? "warn" : "good";
}
