import { useQuery } from "@tanstack/react-query";
import { ask } from "../api/client.js";
import type { DriftDay } from "../api/types.js";
import { Chart } from "../shared/chart.js";
import { count, counted, day } from "../shared/format.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";

const URL = "/admin/drift?days=30";

/** What sweeps compared, and what they found different, by day and column. */
export function DriftByDay() {
  const query = useQuery({
    queryKey: ["drift"],
    queryFn: () => ask<{ days: DriftDay[] }>(URL),
    refetchInterval: 60_000,
  });
  if (query.isPending) return <Skeleton lines={7} />;
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  const days = [...query.data.days].sort((a, b) => (a.date < b.date ? -1 : 1));
  const drifted = days.reduce((sum, each) => sum + each.drifted, 0);
  const checked = days.reduce((sum, each) => sum + each.checked, 0);
  if (checked === 0) {
    return (
      <Empty title="No row was compared in the last 30 days.">Sweeps compare rows; the next one will.</Empty>
    );
  }
  const columns = new Map<string, number>();
  for (const { column, rows } of days.flatMap((each) => each.columns)) {
    columns.set(column, (columns.get(column) ?? 0) + rows);
  }
  return (
    <>
      <Chart
        name="drift"
        title="Rows compared by day, in UTC"
        sentence={`${counted(checked, "row")} compared, ${count(drifted)} differed.`}
        shape="bars"
        days={days.map(({ date }) => date)}
        series={[
          { name: "the same", values: days.map((each) => each.checked - each.drifted), tone: "soft" },
          { name: "different", values: days.map((each) => each.drifted), tone: "accent" },
        ]}
        writeDay={(each) => day(each, days.at(-1)?.date)}
        write={count}
      />
      {columns.size === 0 ? (
        <p className="small muted">No column of any row differed in these days.</p>
      ) : (
        <p className="small">
          By column: {[...columns].map(([column, rows]) => `${column} ${counted(rows, "row")}`).join(", ")}.
          All were corrected.
        </p>
      )}
    </>
  );
}
