import { withQuery } from "../api/client.js";
import type { CountedBooking } from "../api/types.js";
import { CountedRows } from "./counted-rows.js";
import { count, counted as inWords, money } from "./format.js";
import { useApiPath, useOrganization } from "./organization.js";
import { usePages } from "./pages.js";
import { useScope } from "./scope.js";
import { Failure, Skeleton } from "./states.js";

/** What a list says of a number of customers: each of them has one row. */
const PEOPLE: Readonly<Record<string, string>> = {
  unique_customers: "each with the latest booking",
  returning_customers: "each with the latest booking",
  new_customers: "each with the first booking ever",
};

/**
 * The bookings that a number counts, the latest first. A number of customers has one booking of each.
 *
 * @param counted the number, as the API's list of bookings names it
 * @param teamMemberId whose number it is; the seller's when left out
 * @param of days and place, when they are not those of the page
 * @param noun what one of them is called
 */
export function CountedBookingRows({
  counted,
  teamMemberId,
  of,
  noun = "booking",
}: {
  counted: string;
  teamMemberId?: string | undefined;
  of?: Readonly<Record<string, string | undefined>>;
  noun?: string;
}) {
  const path = useApiPath();
  const scope = useScope();
  const { currency } = useOrganization();
  const url = withQuery(path("bookings"), { ...(of ?? scope.query), counted, team_member_id: teamMemberId });
  const query = usePages<CountedBooking>(url, "bookings");
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  if (!query.rows) return <Skeleton lines={5} />;
  const bookings = query.rows;
  const heading = PEOPLE[counted]
    ? `${inWords(bookings.length, "customer")} behind it, ${PEOPLE[counted]}`
    : `${inWords(bookings.length, noun)} behind it`;
  const numbers = [
    { head: "Minutes", write: (booking: CountedBooking) => count(booking.booked_minutes) },
    { head: "List value", write: (booking: CountedBooking) => money(booking.list_price_cents, currency) },
  ];
  return (
    <CountedRows
      heading={query.hasNextPage ? `The latest ${heading}` : heading}
      label="Bookings"
      url={url}
      rows={bookings}
      idOf={({ booking_id }) => booking_id}
      timeOf={({ start_at }) => start_at}
      numbers={teamMemberId === undefined ? [] : numbers}
      more={query.hasNextPage ? { label: "Earlier bookings", read: query.fetchNextPage } : undefined}
    />
  );
}
