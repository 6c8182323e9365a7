import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ask } from "../api/client.js";
import type { Change, History } from "../api/types.js";
import { entryOf, useColumns } from "../shared/columns.js";
import { ago, words } from "../shared/format.js";
import { useLive } from "../shared/live.js";
import { useApiPath, useOrganization } from "../shared/organization.js";
import { nameOf, valueInWords } from "../shared/value.js";

const COLUMNS = 3;

/** What has just changed, and which event was the cause. */
export function Ticker() {
  const { changes, state } = useLive();
  const [latest, ...earlier] = changes;
  return (
    <section className="ticker" aria-label="What has just changed">
      <div aria-live="polite" className="ticker-latest">
        {latest ? (
          <Cause key={`${latest.event_id} ${latest.at}`} change={latest} />
        ) : (
          <p className="muted">
            {state === "lost"
              ? "The stream is lost: the numbers are asked for every 5 seconds."
              : "Listening for changes."}
          </p>
        )}
      </div>
      {earlier.length > 0 && (
        <details>
          <summary>{earlier.length} before</summary>
          <ol>
            {earlier.map((change) => (
              <li key={`${change.event_id} ${change.at}`}>
                <Cause change={change} />
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}

function Cause({ change }: { change: Change }) {
  const [id] = change.customer_ids;
  return (
    <p>
      <code>{change.event_type}</code> {id !== undefined && <Who id={id} change={change} />}
      {change.customer_ids.length > 1 && ` and ${change.customer_ids.length - 1} more`}
      <span className="small muted"> {ago(change.at, new Date())}</span>
    </p>
  );
}

/** The changed columns as they were soon after the change. */
function Who({ id, change: { columns, event_id, at } }: { id: string; change: Change }) {
  const path = useApiPath();
  const dictionary = useColumns();
  const { currency, time_zone: timeZone } = useOrganization();
  const url = path(`customers/${encodeURIComponent(id)}`);
  const { data } = useQuery({
    queryKey: ["cause", url, event_id, at],
    queryFn: () => ask<History>(url),
    staleTime: Number.POSITIVE_INFINITY,
    meta: { fixed: true },
  });
  const customer = data?.customer;
  const shown = columns.slice(0, COLUMNS).map((column) => {
    const value =
      customer && valueInWords(entryOf(dictionary.data, column), customer[column], { currency, timeZone });
    return value === undefined ? words(column) : `${words(column)} ${value}`;
  });
  return (
    <>
      <Link href={`/customers/${encodeURIComponent(id)}`}>{customer ? nameOf(customer) : "a customer"}</Link>
      {shown.length > 0 && `: ${shown.join(", ")}`}
      {columns.length > COLUMNS && ` and ${columns.length - COLUMNS} more`}
    </>
  );
}
