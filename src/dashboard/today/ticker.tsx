import { useQuery } from "@tanstack/react-query";
import { ask } from "../api/client.js";
import type { ToldChange } from "../api/live.js";
import type { CustomersPage, History } from "../api/types.js";
import { entryOf, useColumns } from "../shared/columns.js";
import { Fold } from "../shared/fold.js";
import { ago, words } from "../shared/format.js";
import { useLive } from "../shared/live.js";
import { Name } from "../shared/name.js";
import { useValueContext } from "../shared/names.js";
import { useApiPath } from "../shared/organization.js";
import { PageLink } from "../shared/page-link.js";
import { nameOf, valueInWords } from "../shared/value.js";
import { inToldOrder } from "./told-columns.js";

const COLUMNS = 3;
const LIKELY = 50;
const LIKELY_EVERY_MS = 300_000;

/** What is said before the first change. */
const WAITING = {
  connecting: "Opening the stream of changes.",
  live: "Listening for changes.",
  lost: "The stream is lost: the numbers are asked for every 5 seconds.",
} as const;

/** What has just changed, and which event was the cause. */
export function Ticker() {
  const { changes, state } = useLive();
  const [latest, ...earlier] = changes;
  useLikely("sort=last_visit_at&order=desc");
  useLikely("sort=next_booking_at&order=asc");
  return (
    <section className="ticker" aria-label="What has just changed">
      <div aria-live="polite" className="ticker-latest">
        {latest ? (
          <Cause key={`${latest.event_id} ${latest.at}`} change={latest} />
        ) : (
          <p className="muted">{WAITING[state]}</p>
        )}
      </div>
      {earlier.length > 0 && (
        <Fold name="before" summary={`${earlier.length} before`}>
          <ol>
            {earlier.map((change) => (
              <li key={`${change.event_id} ${change.at}`}>
                <Cause change={change} />
              </li>
            ))}
          </ol>
        </Fold>
      )}
    </section>
  );
}

/**
 * Reads the rows that probably change next: of those who have just been here, or come soon. The stream tells no
 * values, so only a row that was read before a change tells what they were.
 */
function useLikely(order: string) {
  const path = useApiPath();
  const { state } = useLive();
  const url = path(`customers?${order}&limit=${LIKELY}`);
  useQuery({
    queryKey: ["likely", url],
    queryFn: () => ask<CustomersPage>(url),
    enabled: state === "live",
    staleTime: LIKELY_EVERY_MS,
    refetchInterval: LIKELY_EVERY_MS,
    meta: { fixed: true },
  });
}

function Cause({ change }: { change: ToldChange }) {
  const [id] = change.customer_ids;
  return (
    <p>
      <code>{change.event_type}</code> {id !== undefined && <Who id={id} change={change} />}
      {id === undefined && "changes no customer's row"}
      {change.customer_ids.length > 1 && ` and ${change.customer_ids.length - 1} more`}
      <span className="small muted"> {ago(change.at, new Date())}</span>
    </p>
  );
}

/** The changed columns: as they were before the change, where that is known, and as they were soon after it. */
function Who({ id, change: { columns, event_id, at, before } }: { id: string; change: ToldChange }) {
  const path = useApiPath();
  const dictionary = useColumns();
  const context = useValueContext();
  const url = path(`customers/${encodeURIComponent(id)}`);
  const { data } = useQuery({
    queryKey: ["cause", url, event_id, at],
    queryFn: () => ask<History>(url),
    staleTime: Number.POSITIVE_INFINITY,
    meta: { fixed: true },
  });
  const customer = data?.customer;
  const write = (row: History["customer"] | undefined, column: string) =>
    row && valueInWords(entryOf(dictionary.data, column), row[column], context);
  const shown = inToldOrder(columns)
    .slice(0, COLUMNS)
    .map((column) => {
      const [old, value] = [write(before, column), write(customer, column)];
      if (value === undefined) return words(column);
      return old === undefined || old === value
        ? `${words(column)} ${value}`
        : `${words(column)} ${old} → ${value}`;
    });
  return (
    <>
      <PageLink href={`/customers/${encodeURIComponent(id)}`}>
        {customer ? <Name id={id} name={nameOf(customer)} /> : "a customer"}
      </PageLink>
      {shown.length > 0 && `: ${shown.join(", ")}`}
      {columns.length > COLUMNS && ` and ${columns.length - COLUMNS} more`}
    </>
  );
}
