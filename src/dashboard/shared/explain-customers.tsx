import type { ReactNode } from "react";
import { CountedList, CustomerLink } from "./counted-rows.js";
import { counted as inWords, time } from "./format.js";
import { useOrganization } from "./organization.js";
import { usePages } from "./pages.js";
import { Failure, Skeleton } from "./states.js";

interface ListedCustomer {
  readonly square_customer_id: string;
  readonly customer_name: string | null;
}

/**
 * The customers whom a number counts, in the order of their ids.
 *
 * @param url the API's list of them
 * @param times columns of instants, behind the name
 * @param texts columns of texts, behind the times
 */
export function CountedCustomerRows<Row extends ListedCustomer>({
  url,
  times,
  texts = [],
}: {
  url: string;
  times: readonly { readonly head: string; readonly of: (row: Row) => string | null }[];
  texts?: readonly { readonly head: string; readonly write: (row: Row) => ReactNode }[];
}) {
  const { time_zone: timeZone } = useOrganization();
  const query = usePages<Row>(url, "customers");
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  if (!query.rows) return <Skeleton lines={5} />;
  const heading = `${inWords(query.rows.length, "customer")} behind it`;
  const write = (instant: string | null) => (instant === null ? "–" : time(instant, timeZone));
  return (
    <CountedList<Row>
      heading={query.hasNextPage ? `The first ${heading}` : heading}
      label="Customers"
      url={url}
      rows={query.rows}
      idOf={({ square_customer_id }) => square_customer_id}
      columns={[
        {
          head: "Customer",
          write: (row) => <CustomerLink id={row.square_customer_id} name={row.customer_name} />,
        },
        ...times.map(({ head, of }) => ({ head, write: (row: Row) => write(of(row)) })),
        ...texts,
      ]}
      more={query.hasNextPage ? { label: "More customers", read: query.fetchNextPage } : undefined}
    />
  );
}
