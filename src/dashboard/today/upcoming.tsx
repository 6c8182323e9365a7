import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ask, withQuery } from "../api/client.js";
import type { AppointmentsDay } from "../api/types.js";
import { addDays, count } from "../shared/format.js";
import { useApiPath } from "../shared/organization.js";
import { useScope } from "../shared/scope.js";
import { Pending } from "../shared/states.js";

const AHEAD = 7;

/** What is booked for the days to come, whatever the period. The page asks for it together with its other numbers. */
export function useUpcoming() {
  const { today, locationId } = useScope();
  const path = useApiPath();
  const [from, to] = [addDays(today, 1), addDays(today, AHEAD)];
  const url = withQuery(path("appointments/daily"), { from, to, location_id: locationId });
  const query = useQuery({ queryKey: ["days", url], queryFn: () => ask<{ days: AppointmentsDay[] }>(url) });
  const booked = query.data?.days.reduce(
    (sum, row) => sum + row.accepted_appointments + row.pending_appointments,
    0,
  );
  return { booked, url, error: query.error, retry: query.refetch };
}

export function Upcoming({ booked, url, error, retry }: ReturnType<typeof useUpcoming>) {
  return (
    <>
      <h2 className="tile-label">Upcoming</h2>
      <p className="tile-value">
        {error && booked === undefined ? (
          <button type="button" className="figure" title={error.message} onClick={() => retry()}>
            Try again
          </button>
        ) : (
          <Link className="figure" href="/customers?upcoming=true&sort=next_booking_at&order=asc">
            {booked === undefined ? <Pending /> : count(booked)}
          </Link>
        )}
      </p>
      <p className="tile-foot small">
        <span className="muted">next {AHEAD} days</span>
        <a className="json" href={url} target="_blank" rel="noreferrer" aria-label="Upcoming as JSON">
          JSON
        </a>
      </p>
    </>
  );
}
