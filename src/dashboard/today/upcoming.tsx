import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ask, withQuery } from "../api/client.js";
import type { AppointmentsDay } from "../api/types.js";
import { addDays, count } from "../shared/format.js";
import { useApiPath } from "../shared/organization.js";
import { useScope } from "../shared/scope.js";

const AHEAD = 7;

/** What is booked for the days to come, whatever the period. */
export function Upcoming() {
  const { today, locationId } = useScope();
  const path = useApiPath();
  const [from, to] = [addDays(today, 1), addDays(today, AHEAD)];
  const url = withQuery(path("appointments/daily"), { from, to, location_id: locationId });
  const query = useQuery({ queryKey: ["days", url], queryFn: () => ask<{ days: AppointmentsDay[] }>(url) });
  const booked = query.data?.days.reduce(
    (sum, row) => sum + row.accepted_appointments + row.pending_appointments,
    0,
  );
  return (
    <>
      <h2 className="tile-label">Upcoming</h2>
      <p className="tile-value">
        <Link className="figure" href="/customers?upcoming=true&sort=next_booking_at&order=asc">
          {booked === undefined ? "…" : count(booked)}
        </Link>
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
