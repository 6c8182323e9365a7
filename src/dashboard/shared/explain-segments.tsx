import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { MovementCustomer, Segment, SegmentMovement, SegmentsDay } from "../api/types.js";
import { useColumns } from "./columns.js";
import { CountedCustomerRows } from "./explain-customers.js";
import { addDays, count, day } from "./format.js";
import { useApiPath } from "./organization.js";
import { useScope } from "./scope.js";
import { Failure, Skeleton } from "./states.js";
import { SEGMENT_WORDS } from "./value.js";

/**
 * The segments at the end of the period, or now if that is earlier, and the movements over the period. Both questions
 * read months of visits, so they are asked one after the other.
 *
 * @param isWanted whether it is time to ask
 */
export function useSegments(isWanted = true) {
  const { from, to, today } = useScope();
  const path = useApiPath();
  const last = to < today ? to : today;
  const dailyUrl = withQuery(path("segments/daily"), { from: last, to: last });
  const movesUrl = withQuery(path("segments/movements"), { from, to: last });
  const daily = useQuery({
    queryKey: ["segments", dailyUrl],
    queryFn: () => ask<{ days: SegmentsDay[] }>(dailyUrl),
    enabled: isWanted,
  });
  const moves = useQuery({
    queryKey: ["segments", movesUrl],
    queryFn: () => ask<{ movements: SegmentMovement[] }>(movesUrl),
    enabled: !daily.isPending,
  });
  return { from, last, today, daily, moves };
}

const UNKNOWN = "UNKNOWN";

const isSegment = (name: string): name is Segment => Object.hasOwn(SEGMENT_WORDS, name);

/** A segment of a movement in words. */
export const movedFrom = (from: Segment | null) => (from === null ? "unknown before" : SEGMENT_WORDS[from]);

/** How the address names a movement. */
export const movementAddress = ({ from_segment, to_segment }: SegmentMovement) =>
  `movement/${from_segment ?? UNKNOWN}/${to_segment}`;

/** The customers of a segment at the end of a day. */
export function ExplainSegment({ name }: { name: string }) {
  const { last, today, daily } = useSegments();
  const path = useApiPath();
  const dictionary = useColumns();
  if (!isSegment(name)) return <p>There is no such segment.</p>;
  if (daily.isPending) return <Skeleton lines={6} />;
  if (daily.isError) return <Failure error={daily.error} retry={daily.refetch} />;
  const asked = { from: last, to: last, to_segment: name };
  return (
    <>
      <h2>
        {SEGMENT_WORDS[name]}, {last === today ? "now" : `end of ${day(last, today)}`}
      </h2>
      <p className="explain-value">{count(daily.data.days.at(-1)?.[name] ?? 0)}</p>
      <p>{dictionary.data?.measures.segments[name]}</p>
      <Freshness />
      <CustomersOf url={withQuery(path("segments/movements/customers"), asked)} />
    </>
  );
}

/** The customers who moved from one segment to another over the period. */
export function ExplainMovement({ from: before, to: after }: { from: string; to: string }) {
  const { from, last, today, moves } = useSegments();
  const path = useApiPath();
  const dictionary = useColumns();
  if (!(isSegment(before) || before === UNKNOWN) || !isSegment(after))
    return <p>There is no such movement.</p>;
  if (moves.isPending) return <Skeleton lines={6} />;
  if (moves.isError) return <Failure error={moves.error} retry={moves.refetch} />;
  const from_segment = isSegment(before) ? before : null;
  const movement = moves.data.movements.find(
    (each) => each.from_segment === from_segment && each.to_segment === after,
  );
  const definitions = dictionary.data?.measures.segments;
  const asked = { from, to: last, from_segment: before, to_segment: after };
  return (
    <>
      <h2>
        {movedFrom(from_segment)} → {SEGMENT_WORDS[after]}
      </h2>
      <p className="explain-value">{count(movement?.customers ?? 0)}</p>
      <p>
        End of {day(addDays(from, -1), today)}:{" "}
        {from_segment === null ? "Customers who were not known yet." : definitions?.[from_segment]}
      </p>
      <p>
        {last === today ? "Now" : `End of ${day(last, today)}`}: {definitions?.[after]}
      </p>
      <Freshness />
      <CustomersOf url={withQuery(path("segments/movements/customers"), asked)} />
    </>
  );
}

function Freshness() {
  return (
    <p className="small muted">
      All locations. Computed from the stored bookings and payments when it was asked for.
    </p>
  );
}

function CustomersOf({ url }: { url: string }) {
  return (
    <CountedCustomerRows<MovementCustomer>
      url={url}
      times={[
        { head: "First visit", of: (row) => row.first_visit_at },
        { head: "Last before the period", of: (row) => row.last_visit_before_at },
        { head: "Last visit", of: (row) => row.last_visit_at },
        { head: "Known since", of: (row) => row.known_at },
      ]}
    />
  );
}
