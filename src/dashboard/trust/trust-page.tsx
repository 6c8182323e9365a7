import { useQuery } from "@tanstack/react-query";
import { ask } from "../api/client.js";
import type { Status } from "../api/types.js";
import { ago, count, counted } from "../shared/format.js";
import { useOrganization } from "../shared/organization.js";
import { Card, PageHead } from "../shared/page.js";
import { Failure, Skeleton } from "../shared/states.js";
import { DeadEvents } from "./dead-events.js";
import { DriftByDay } from "./drift-by-day.js";
import { Sweeps } from "./sweeps.js";
import { Silence, Subscription, Watermarks } from "./whereabouts.js";
import "../shared/table.css";
import "./trust.css";

const URL = "/admin/jobs/status";

/** Whether the numbers can be trusted, and what to do if not. */
export default function TrustPage() {
  const { time_zone: timeZone } = useOrganization();
  const query = useQuery({ queryKey: ["status"], queryFn: () => ask<Status>(URL), refetchInterval: 30_000 });
  return (
    <div className="stack">
      <PageHead title="Trust" sentence={`All sellers of this server, now, times in ${timeZone}.`}>
        <button type="button" className="button" onClick={openJson}>
          JSON
        </button>
      </PageHead>
      {query.isPending && <Skeleton lines={14} />}
      {query.isError && <Failure error={query.error} retry={query.refetch} />}
      {query.data && (
        <>
          <VerdictLine status={query.data} />
          <div className="columns columns-2">
            <Card>
              <Inbox status={query.data} />
            </Card>
            <Card>
              <Silence silence={query.data.silence} />
            </Card>
          </div>
          <Card>
            <Subscription subscription={query.data.subscription} />
          </Card>
          <Card>
            <DeadEvents groups={query.data.inbox.dead_by_reason} />
          </Card>
          <Card>
            <DriftByDay />
          </Card>
          <Card>
            <Sweeps sweeps={query.data.sweeps} />
          </Card>
          <Card>
            <Watermarks organizations={query.data.organizations} />
          </Card>
        </>
      )}
    </div>
  );
}

/** A browser that follows the address gets this page, so the JSON is asked for as a program does. */
async function openJson(): Promise<void> {
  const text = JSON.stringify(await ask<Status>(URL), null, 2);
  window.open(
    window.URL.createObjectURL(new Blob([text], { type: "application/json" })),
    "_blank",
    "noopener",
  );
}

const LEVEL_WORDS = { ok: "Trust it", warning: "Look at this", error: "Act now" } as const;

function VerdictLine({ status: { verdict, sweeps } }: { status: Status }) {
  const last = sweeps.find(({ status }) => status !== "processing");
  return (
    <div className={`verdict verdict-${verdict.level}`} role="status">
      <h2>{LEVEL_WORDS[verdict.level]}</h2>
      <p>{verdict.text}</p>
      {last && (
        <p className="small muted">
          Last sweep {ago(last.completed_at ?? last.created_at, new Date())}:{" "}
          {counted(last.checked ?? 0, "row")} compared, {count(last.drifted ?? 0)} differed.
        </p>
      )}
    </div>
  );
}

const STATUS_WORDS: Readonly<Record<string, string>> = {
  processed: "Processed",
  stale: "Stale: a newer copy was stored",
  ignored: "Ignored: unknown type or seller",
  deferred: "Deferred: tried again by itself",
  dead: "Dead: needs you",
};

function Inbox({ status: { inbox, rows_due, replica } }: { status: Status }) {
  const waiting = inbox.oldest_unprocessed_seconds;
  return (
    <>
      <h2>Inbox</h2>
      <dl className="facts-list">
        {Object.entries(STATUS_WORDS).map(([status, words]) => (
          <div key={status}>
            <dt>{words}</dt>
            <dd className={status === "dead" && (inbox.by_status.dead ?? 0) > 0 ? "bad" : ""}>
              {count(inbox.by_status[status as keyof typeof inbox.by_status] ?? 0)}
            </dd>
          </div>
        ))}
        <div>
          <dt>Oldest that waits</dt>
          <dd>{waiting === null ? "none" : `${count(waiting)} s`}</dd>
        </div>
        <div>
          <dt>Rows due by the clock</dt>
          <dd>{count(rows_due)}</dd>
        </div>
        {replica && (
          <div>
            <dt>Replica behind by</dt>
            <dd className={replica.problem ? "warn" : ""}>
              {replica.lag_seconds === null ? "unknown" : `${count(replica.lag_seconds)} s`}
            </dd>
          </div>
        )}
      </dl>
      {replica?.problem && <p className="small warn">Reports are read from the primary: {replica.problem}</p>}
    </>
  );
}
