import { Fragment } from "react";
import type { Segment, SegmentMovement } from "../api/types.js";
import { movedFrom, movementAddress, useSegments } from "../shared/explain-segments.js";
import { Figure } from "../shared/figure.js";
import { count, counted, day, percent } from "../shared/format.js";
import { useApiPath, useOrganization } from "../shared/organization.js";
import { Downloads } from "../shared/page.js";
import { PageLink } from "../shared/page-link.js";
import { useScope } from "../shared/scope.js";
import { Empty, Failure, Pending, Skeleton } from "../shared/states.js";
import { SEGMENT_WORDS } from "../shared/value.js";
import { SegmentDaysForm } from "./segment-days.js";
import { useKpi } from "./use-kpi.js";
import "../shared/segment.css";

const ORDER: readonly Segment[] = ["NEW", "ACTIVE", "AT_RISK", "LOST", "NEVER_VISITED"];
const WIDTH = 1_000;

/** Where the customers stand at the period's end, and who moved since its begin. The period's numbers come first. */
export function SegmentBar() {
  const { locationId } = useScope();
  const { kpi } = useKpi();
  const { from, last, today, daily, moves } = useSegments(!kpi.isPending);
  const path = useApiPath();
  const { id: organizationId, segment_days: days } = useOrganization();
  if (daily.isPending) return <Skeleton lines={4} />;
  if (daily.isError)
    return <Failure title="Customers by segment" error={daily.error} retry={daily.refetch} />;
  const counts = daily.data.days.at(-1);
  const all = counts ? ORDER.reduce((sum, segment) => sum + counts[segment], 0) : 0;
  if (!counts || all === 0) return <Empty title="No customers yet." />;
  let x = 0;
  return (
    <>
      <div className="spread">
        <h2>
          {counted(all, "customer")} {locationId && "of all locations "}by segment,{" "}
          {last === today ? "now" : `end of ${day(last, today)}`}
        </h2>
        <span className="small muted">
          New: first {days.new} days. Active: last visit within {days.active} days. At risk: within{" "}
          {days.at_risk}.
        </span>
      </div>
      <svg className="segment-bar" viewBox={`0 0 ${WIDTH} 16`} preserveAspectRatio="none" aria-hidden="true">
        {ORDER.map((segment) => {
          const width = (counts[segment] / all) * WIDTH;
          x += width;
          return (
            <rect key={segment} className={`segment-${segment}`} x={x - width} width={width} height={16} />
          );
        })}
      </svg>
      <ul className="segment-list">
        {ORDER.map((segment) => (
          <li key={segment}>
            <span className={`segment-key segment-${segment}`} />
            <SegmentCount segment={segment} customers={counts[segment]} isNow={last === today} />
            <span className="small muted">{percent(counts[segment] / all)}</span>
          </li>
        ))}
      </ul>
      {moves.isError && <Failure error={moves.error} retry={moves.refetch} />}
      {!moves.isError && <Moves movements={moves.data?.movements} isPlaced={locationId !== undefined} />}
      <div className="spread">
        <SegmentDaysForm key={organizationId} />
        <Downloads of={path("segments/daily")} query={{ from, to: last }} />
      </div>
    </>
  );
}

/** The list has the segments of now. A number of a past day opens who they were. */
function SegmentCount({
  segment,
  customers,
  isNow,
}: {
  segment: Segment;
  customers: number;
  isNow: boolean;
}) {
  const text = `${SEGMENT_WORDS[segment]} ${count(customers)}`;
  if (!isNow) return <Figure explain={`segment/${segment}`}>{text}</Figure>;
  return (
    <PageLink className="figure" href={`/customers?segment=${segment}`}>
      {text}
    </PageLink>
  );
}

/**
 * @param movements undefined while they are on their way
 * @param isPlaced whether the page shows one location, which the segments do not follow
 */
function Moves({ movements, isPlaced }: { movements: SegmentMovement[] | undefined; isPlaced: boolean }) {
  const period = isPlaced ? "this period, at all locations" : "this period";
  if (!movements) {
    return (
      <p className="small muted">
        In {period}: <Pending />
      </p>
    );
  }
  const moved = movements
    .filter(({ from_segment, to_segment }) => from_segment !== to_segment)
    .sort((a, b) => b.customers - a.customers);
  if (moved.length === 0) return <p className="small muted">Nobody changed segment in {period}.</p>;
  return (
    <p className="small muted">
      In {period}:{" "}
      {moved.map((movement, index) => (
        <Fragment key={movementAddress(movement)}>
          {index > 0 && " · "}
          <Figure explain={movementAddress(movement)}>
            {`${count(movement.customers)} ${movedFrom(movement.from_segment)} → ${SEGMENT_WORDS[movement.to_segment]}`}
          </Figure>
        </Fragment>
      ))}
    </p>
  );
}
