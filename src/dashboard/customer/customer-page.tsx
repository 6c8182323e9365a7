import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ApiError, ask, withQuery } from "../api/client.js";
import type { CustomersPage, History } from "../api/types.js";
import { ago, counted, time, words } from "../shared/format.js";
import { Name, nameInWords } from "../shared/name.js";
import { useValueContext } from "../shared/names.js";
import { useApiPath, useOrganization } from "../shared/organization.js";
import { Card, JsonButton, PageHead } from "../shared/page.js";
import { PageLink } from "../shared/page-link.js";
import { SegmentName } from "../shared/segment.js";
import { sentenceOf } from "../shared/sentence.js";
import { Failure, Skeleton } from "../shared/states.js";
import { nameOf } from "../shared/value.js";
import { Facts } from "./facts.js";
import { RecomputeResult, useRecompute } from "./recompute.js";
import { Timeline } from "./timeline.js";
import "./customer.css";

/** One customer, as the front desk and the engineer need it. */
export default function CustomerPage({ id }: { id: string }) {
  const path = useApiPath();
  const url = path(`customers/${encodeURIComponent(id)}`);
  const query = useInfiniteQuery({
    queryKey: ["customer", url, "all"],
    queryFn: ({ pageParam }) => ask<History>(withQuery(url, { before: pageParam })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ older }) => older ?? undefined,
  });
  const context = useValueContext(usePreferredService(id));
  const recompute = useRecompute(url);
  const { timeZone } = context;
  if (query.isPending) return <Skeleton lines={14} />;
  if (query.isError) return <NotShown error={query.error} retry={query.refetch} />;
  const [newest] = query.data.pages;
  if (!newest) return null;
  const history: History = {
    ...newest,
    bookings: query.data.pages.flatMap(({ bookings }) => bookings),
    payments: query.data.pages.flatMap(({ payments }) => payments),
  };
  const { customer } = history;
  return (
    <div className="stack">
      <PageHead
        title={<Name id={customer.square_customer_id} name={nameOf(customer)} />}
        label={nameInWords(customer.square_customer_id, nameOf(customer))}
        sentence={sentenceOf(customer, new Date(), timeZone)}
      >
        <div className="row">
          <button
            type="button"
            className="button"
            disabled={recompute.isPending}
            onClick={() => recompute.mutate()}
          >
            Recompute now
          </button>
          <JsonButton url={url} />
        </div>
      </PageHead>
      <div className="row">
        <SegmentName segment={customer.customer_segment} />
        <span className="muted">{words(customer.customer_type)}</span>
        {customer.phone_number && <a href={`tel:${customer.phone_number}`}>{customer.phone_number}</a>}
        {customer.email_address && <a href={`mailto:${customer.email_address}`}>{customer.email_address}</a>}
      </div>
      <RecomputeResult mutation={recompute} />
      <Freshness history={history} />
      <Facts customer={customer} context={context} />
      <Card>
        <h2>Timeline</h2>
        <p className="small muted">Times in {timeZone}.</p>
        <Timeline
          history={history}
          older={query.hasNextPage ? () => query.fetchNextPage({ cancelRefetch: false }) : undefined}
          isReady={!query.isFetching && !query.isFetchNextPageError}
        />
      </Card>
    </div>
  );
}

function NotShown({ error, retry }: { error: Error; retry: () => unknown }) {
  const isUnknown = error instanceof ApiError && error.code === "customer_not_found";
  return (
    <div className="stack">
      <PageHead
        title="Customer"
        sentence={
          isUnknown ? "Nobody has this id. A deleted customer without bookings or payments is gone." : ""
        }
      />
      <Failure error={error} {...(!isUnknown && { retry })} />
      <p>
        <PageLink href="/customers">All customers</PageLink>
      </p>
    </div>
  );
}

/** From when until when the row is exact, what the clock changes next, and who was merged into the customer. */
function Freshness({ history: { customer, next_change, merged_ids } }: { history: History }) {
  const { time_zone: timeZone } = useOrganization();
  const now = new Date();
  return (
    <div className="freshness small">
      <p>
        Computed {ago(customer.computed_at, now)}.{" "}
        {next_change
          ? `Exact until ${time(next_change.at, timeZone)} (${ago(next_change.at, now)}), when time alone changes ${namesOf(next_change.columns)}.`
          : "Exact until an event changes it."}
      </p>
      {merged_ids.length > 0 && (
        <p>
          Merged into this customer: <code>{merged_ids.join(", ")}</code>. Bookings and payments of{" "}
          {merged_ids.length === 1 ? "that id" : "those ids"} are counted here.
        </p>
      )}
    </div>
  );
}

const NAMED = 4;

/** The first columns by name, and how many others. */
function namesOf(columns: readonly string[]): string {
  const named = columns.slice(0, NAMED).map((each) => words(each).toLowerCase());
  const others = columns.length - named.length;
  if (others > 0) named.push(counted(others, "other column"));
  return named.join(", ") || "the row";
}

/** The name of the preferred service. The list knows it; it finds a customer by the whole id. */
function usePreferredService(id: string) {
  const path = useApiPath();
  const url = withQuery(path("customers"), { q: id, limit: 1 });
  const { data } = useQuery({ queryKey: ["customers", url], queryFn: () => ask<CustomersPage>(url) });
  const [found] = data?.customers ?? [];
  return found && { id: found.preferred_service_variation_id, name: found.preferred_service_name };
}
