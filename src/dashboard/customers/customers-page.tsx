import { useInfiniteQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { CustomersPage as Page } from "../api/types.js";
import { useAddress } from "../shared/address.js";
import { entryOf, useColumns } from "../shared/columns.js";
import { FirstSteps } from "../shared/first-steps.js";
import { counted } from "../shared/format.js";
import { useNarrow } from "../shared/media.js";
import { useApiPath, useOrganization } from "../shared/organization.js";
import { Card, PageHead } from "../shared/page.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";
import { ColumnChooser, chosenColumns, csvColumns } from "./column-chooser.js";
import { CustomerCards } from "./customer-cards.js";
import { CustomerTable } from "./customer-table.js";
import { FILTERS, Filters } from "./filters.js";
import { SORTS, SortChoice } from "./sort.js";
import "./customers.css";

const PAGE = 100;

/** The list: filters, columns and order lie in the address, and the CSV has the same. */
export default function CustomersPage() {
  const { parameters } = useAddress();
  const path = useApiPath();
  const narrow = useNarrow();
  const { name, time_zone } = useOrganization();
  const dictionary = useColumns();
  const asked = Object.fromEntries(
    [...FILTERS, "sort", "order"].map((each) => [each, parameters.get(each) ?? undefined]),
  );
  const url = withQuery(path("customers"), { ...asked, limit: PAGE });
  const query = useInfiniteQuery({
    queryKey: ["customers", url],
    queryFn: ({ pageParam }) =>
      ask<Page>(pageParam === "" ? url : `${url}&${new URLSearchParams({ cursor: pageParam })}`),
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  const customers = query.data?.pages.flatMap((page) => page.customers) ?? [];
  const isFiltered = FILTERS.some((each) => parameters.has(each));
  const sort = SORTS.find((each) => each.name === (parameters.get("sort") ?? "name"));
  const chosen = chosenColumns(parameters);
  const props = {
    customers,
    columns: chosen.map((each) => entryOf(dictionary.data, each)),
    more: query.hasNextPage && !query.isFetchingNextPage ? () => query.fetchNextPage() : undefined,
  };
  return (
    <div className="stack">
      <PageHead
        title="Customers"
        sentence={
          query.data
            ? `${query.hasNextPage ? "The first " : ""}${counted(customers.length, "customer")} of ${name}${isFiltered ? " that match" : ""}, by ${sort?.label.toLowerCase() ?? "name"}, time zone ${time_zone}.`
            : `Customers of ${name}.`
        }
      >
        <div className="row">
          {!narrow && <ColumnChooser columns={dictionary.data?.columns ?? []} />}
          {narrow && <SortChoice />}
          <a
            className="button"
            href={withQuery(path("customers.csv"), {
              ...asked,
              columns: csvColumns(chosen, dictionary.data?.columns),
            })}
            download
          >
            CSV
          </a>
        </div>
      </PageHead>
      <Filters />
      {query.isError && <Failure error={query.error} retry={query.refetch} />}
      <Card>
        {query.isPending && <Skeleton lines={12} />}
        {query.data && customers.length === 0 && (
          <Empty title={isFiltered ? "No customer matches." : "No customers yet."}>
            {isFiltered ? "Drop a filter, or search for less." : <FirstSteps />}
          </Empty>
        )}
        {customers.length > 0 && (
          <div className={query.isPlaceholderData ? "stale" : ""}>
            {narrow ? <CustomerCards {...props} /> : <CustomerTable {...props} />}
          </div>
        )}
        {query.isFetchingNextPage && <Skeleton lines={2} />}
      </Card>
    </div>
  );
}
