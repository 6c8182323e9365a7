import { Link } from "wouter";
import { withQuery } from "../api/client.js";
import type { CountedBooking } from "../api/types.js";
import { count, counted as inWords, money, time } from "./format.js";
import { useApiPath, useOrganization } from "./organization.js";
import { usePages } from "./pages.js";
import { useScope } from "./scope.js";
import { ScrollBox } from "./scroll-box.js";
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
 */
export function CountedBookingRows({
  counted,
  teamMemberId,
}: {
  counted: string;
  teamMemberId?: string | undefined;
}) {
  const path = useApiPath();
  const scope = useScope();
  const { currency, time_zone: timeZone } = useOrganization();
  const url = withQuery(path("bookings"), { ...scope.query, counted, team_member_id: teamMemberId });
  const query = usePages<CountedBooking>(url, "bookings");
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  if (!query.rows) return <Skeleton lines={5} />;
  const bookings = query.rows;
  return (
    <section>
      <h3>
        {query.hasNextPage ? "The latest " : ""}
        {PEOPLE[counted]
          ? `${inWords(bookings.length, "customer")} behind it, ${PEOPLE[counted]}`
          : `${inWords(bookings.length, "booking")} behind it`}
      </h3>
      {bookings.length > 0 && (
        <ScrollBox label="Bookings" className="explain-rows">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Customer</th>
                <th scope="col">Location</th>
                {teamMemberId !== undefined && (
                  <>
                    <th scope="col" className="number">
                      Minutes
                    </th>
                    <th scope="col" className="number">
                      List value
                    </th>
                  </>
                )}
              </tr>
            </thead>
            <tbody>
              {bookings.map((booking) => (
                <tr key={booking.booking_id} title={booking.booking_id}>
                  <td>{time(booking.start_at, timeZone)}</td>
                  <td>
                    {booking.customer_id === null ? (
                      "nobody"
                    ) : (
                      <Link href={`/customers/${encodeURIComponent(booking.customer_id)}`}>
                        {booking.customer_name ?? booking.customer_id}
                      </Link>
                    )}
                  </td>
                  <td>{booking.location_name ?? "no location"}</td>
                  {teamMemberId !== undefined && (
                    <>
                      <td className="number">{count(booking.booked_minutes)}</td>
                      <td className="number">{money(booking.list_price_cents, currency)}</td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
      {query.hasNextPage && (
        <button type="button" className="button" onClick={() => query.fetchNextPage()}>
          Earlier bookings
        </button>
      )}
    </section>
  );
}
