import { UPCOMING_DAYS, type useUpcoming } from "../shared/explain-upcoming.js";
import { Figure } from "../shared/figure.js";
import { count } from "../shared/format.js";
import { Pending } from "../shared/states.js";

type Props = Pick<ReturnType<typeof useUpcoming>, "booked" | "url" | "error" | "retry">;

export function Upcoming({ booked, url, error, retry }: Props) {
  return (
    <>
      <h2 className="tile-label">Upcoming</h2>
      <p className="tile-value">
        {error && booked === undefined ? (
          <button type="button" className="figure" title={error.message} onClick={() => retry()}>
            Try again
          </button>
        ) : booked === undefined ? (
          <Pending />
        ) : (
          <Figure explain="upcoming">{count(booked)}</Figure>
        )}
      </p>
      <p className="tile-foot small">
        <span className="muted">next {UPCOMING_DAYS} days</span>
        <a className="json" href={url} target="_blank" rel="noreferrer" aria-label="Upcoming as JSON">
          JSON
        </a>
      </p>
    </>
  );
}
