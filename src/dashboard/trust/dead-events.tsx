import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { ask, send, withQuery } from "../api/client.js";
import type { EventsPage, Status, StoredEvent } from "../api/types.js";
import { useAddress } from "../shared/address.js";
import { ago, counted, time } from "../shared/format.js";
import { useOrganization } from "../shared/organization.js";
import { Failure, Skeleton } from "../shared/states.js";

type Group = Status["inbox"]["dead_by_reason"][number];

interface Replayed {
  replayed: number;
  by_status: Record<string, number>;
  next_cursor: string | null;
}

/** Events that took no effect, by reason. Each group, or one event of it, can be processed again. */
export function DeadEvents({ groups }: { groups: Group[] }) {
  const all = groups.reduce((sum, { events }) => sum + events, 0);
  return (
    <>
      <div className="spread">
        <h2>{all === 0 ? "No dead events" : counted(all, "dead event")}</h2>
        {all > 0 && <span className="small muted">Mend the cause first; then process them again.</span>}
      </div>
      {all > 0 && (
        <ul className="dead">
          {groups.map((group) => (
            <DeadGroup key={`${group.event_type} ${group.reason}`} group={group} />
          ))}
        </ul>
      )}
    </>
  );
}

function useReplay<Answer>(path: string, body?: object) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => send<Answer>("POST", path, body),
    onSuccess: () => queries.invalidateQueries(),
  });
}

function DeadGroup({ group: { event_type, reason, events, newest_received_at } }: { group: Group }) {
  const { parameters, change } = useAddress();
  const replay = useReplay<Replayed>("/admin/events/replay", {
    status: "dead",
    type: event_type,
    ...(reason !== null && { reason }),
  });
  const key = `${event_type} ${reason}`;
  const isOpen = parameters.get("dead") === key;
  return (
    <li>
      <div className="spread">
        <div>
          <p>
            <code>{event_type}</code> {reason ?? "no reason kept"}
          </p>
          <p className="small muted">
            {counted(events, "event")}, the newest {ago(newest_received_at, new Date())}
          </p>
        </div>
        <div className="row">
          <button
            type="button"
            className="button"
            aria-expanded={isOpen}
            onClick={() => change({ dead: isOpen ? undefined : key })}
          >
            {isOpen ? "Hide" : "Show"}
          </button>
          <button
            type="button"
            className="button"
            disabled={replay.isPending}
            onClick={() => replay.mutate()}
          >
            {events === 1 ? "Replay it" : `Replay all ${events}`}
          </button>
        </div>
      </div>
      {replay.isError && <Failure error={replay.error} />}
      {replay.data && (
        <p role="status" className="small">
          {counted(replay.data.replayed, "event")} processed again:{" "}
          {Object.entries(replay.data.by_status)
            .map(([status, number]) => `${number} ${status}`)
            .join(", ")}
          .
        </p>
      )}
      {isOpen && <EventList type={event_type} reason={reason} />}
    </li>
  );
}

function EventList({ type, reason }: { type: string; reason: string | null }) {
  const url = withQuery("/admin/events", { status: "dead", type, reason: reason ?? undefined, limit: 20 });
  const query = useInfiniteQuery({
    queryKey: ["events", url],
    queryFn: ({ pageParam }) =>
      ask<EventsPage>(pageParam === "" ? url : `${url}&${new URLSearchParams({ cursor: pageParam })}`),
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  if (query.isPending) return <Skeleton lines={3} />;
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  return (
    <>
      <ul className="dead-events">
        {query.data.pages.flatMap((page) =>
          page.events.map((event) => (
            <OneEvent key={`${event.organization_id} ${event.event_id}`} event={event} />
          )),
        )}
      </ul>
      {query.hasNextPage && (
        <button type="button" className="button" onClick={() => query.fetchNextPage()}>
          More
        </button>
      )}
    </>
  );
}

function OneEvent({ event }: { event: StoredEvent }) {
  const { time_zone: timeZone } = useOrganization();
  const path = `/admin/events/${event.organization_id}/${encodeURIComponent(event.event_id)}`;
  const replay = useReplay<{ status: string }>(`${path}/replay`);
  return (
    <li className="spread">
      <span className="small">
        <a href={path} target="_blank" rel="noreferrer">
          <code>{event.event_id}</code>
        </a>{" "}
        <span className="muted">
          {time(event.received_at, timeZone)}, {counted(event.attempts, "attempt")}
        </span>
        {event.last_error && <span className="dead-error">{event.last_error}</span>}
      </span>
      <span className="row">
        {replay.isError && <span className="small bad">{replay.error.message}</span>}
        {replay.data && (
          <span className="small" role="status">
            {replay.data.status}
          </span>
        )}
        <button type="button" className="button" disabled={replay.isPending} onClick={() => replay.mutate()}>
          Replay
        </button>
      </span>
    </li>
  );
}
