import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { AppointmentsDay } from "../api/types.js";
import { CountedBookingRows } from "./explain-bookings.js";
import { addDays, count, day } from "./format.js";
import { useApiPath } from "./organization.js";
import { JsonButton } from "./page.js";
import { PageLink } from "./page-link.js";
import { useScope } from "./scope.js";
import { Failure, Skeleton } from "./states.js";

export const UPCOMING_DAYS = 7;

const sumOf = (days: readonly AppointmentsDay[], column: "accepted_appointments" | "pending_appointments") =>
  days.reduce((sum, row) => sum + row[column], 0);

/** What is booked for the days to come, whatever the period. The page asks for it together with its other numbers. */
export function useUpcoming() {
  const { today, locationId } = useScope();
  const path = useApiPath();
  const asked = { from: addDays(today, 1), to: addDays(today, UPCOMING_DAYS), location_id: locationId };
  const url = withQuery(path("appointments/daily"), asked);
  const query = useQuery({ queryKey: ["days", url], queryFn: () => ask<{ days: AppointmentsDay[] }>(url) });
  const days = query.data?.days;
  const pending = days && sumOf(days, "pending_appointments");
  const booked = days && sumOf(days, "accepted_appointments") + (pending ?? 0);
  return { booked, pending, asked, url, error: query.error, retry: query.refetch };
}

/** The bookings of the days to come. */
export function ExplainUpcoming() {
  const { booked, pending, asked, url, error, retry } = useUpcoming();
  const { today } = useScope();
  if (error && booked === undefined) return <Failure error={error} retry={retry} />;
  if (booked === undefined) return <Skeleton lines={6} />;
  return (
    <>
      <h2>Upcoming</h2>
      <p className="explain-value">{count(booked)}</p>
      <p>Bookings with status ACCEPTED or PENDING of the next {UPCOMING_DAYS} days, without today.</p>
      <p className="small muted">
        {day(asked.from, today)} to {day(asked.to, today)}. Computed from the stored bookings when it was
        asked for.
      </p>
      <CountedBookingRows counted="accepted_appointments" of={asked} noun="accepted booking" />
      {pending !== 0 && (
        <CountedBookingRows counted="pending_appointments" of={asked} noun="pending booking" />
      )}
      <p className="row">
        <PageLink className="button" href="/customers?upcoming=true&sort=next_booking_at&order=asc">
          Customers with a booking
        </PageLink>
        <JsonButton url={url} />
      </p>
    </>
  );
}
