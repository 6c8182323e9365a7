import { useQuery } from "@tanstack/react-query";
import type { RetentionWindow } from "../../reports/retention.js";
import { ask, withQuery } from "../api/client.js";
import type { CohortRow } from "../api/types.js";
import { useAddress } from "../shared/address.js";
import { count, day, percent } from "../shared/format.js";
import { useApiPath } from "../shared/organization.js";
import { Downloads } from "../shared/page.js";
import { lastDays } from "../shared/period.js";
import { useScope } from "../shared/scope.js";
import { ScrollBox } from "../shared/scroll-box.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";

const KINDS = [
  ["month", "Month"],
  ["technician", "Technician"],
  ["location", "Location"],
  ["service", "Service"],
] as const;
/** The compiler refuses a missing one. */
const windows: Record<RetentionWindow, true> = { 30: true, 60: true, 90: true, 180: true };
const WINDOWS = Object.keys(windows).map(Number) as RetentionWindow[];
/** A period that was not entered by hand is too short to see anybody come back. */
const YEAR = 365;
const SHADES = 5;

/** Of the customers whose first visit lies in the period: how many came back. */
export function Retention() {
  const { parameters, change } = useAddress();
  const { from, to, today, isByHand, locationId } = useScope();
  const path = useApiPath();
  const by = KINDS.find(([kind]) => kind === parameters.get("by"))?.[0] ?? "month";
  const asked = {
    by,
    from: isByHand ? from : lastDays(YEAR, to).from,
    to,
    location_id: locationId,
  };
  const period = isByHand
    ? "in the period"
    : `within the ${to === today ? "last 365 days" : `365 days to ${day(to, today)}`}`;
  const url = withQuery(path("retention"), asked);
  const query = useQuery({ queryKey: ["retention", url], queryFn: () => ask<{ cohorts: CohortRow[] }>(url) });
  return (
    <>
      <div className="spread">
        <div>
          <h2>Who comes back</h2>
          <p className="small muted">
            Customers by their first visit {period}, and how many had another visit day within so many days.
            Only those whose first visit lies that far back count.
          </p>
        </div>
        <fieldset className="segmented">
          <legend className="visually-hidden">Cohorts by</legend>
          {KINDS.map(([kind, label]) => (
            <button
              key={kind}
              type="button"
              aria-pressed={kind === by}
              onClick={() => change({ by: kind === "month" ? undefined : kind })}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </div>
      {query.isPending && <Skeleton lines={8} />}
      {query.isError && <Failure error={query.error} retry={query.refetch} />}
      {query.data?.cohorts.length === 0 && <Empty title="Nobody came for the first time in this period." />}
      {query.data && query.data.cohorts.length > 0 && (
        <ScrollBox
          label="Who comes back"
          className={query.isPlaceholderData ? "table-box stale" : "table-box"}
        >
          <table className="table retention">
            <thead>
              <tr>
                <th scope="col">First visit</th>
                <th scope="col" className="number">
                  Customers
                </th>
                {WINDOWS.map((days) => (
                  <th key={days} scope="col" className="number">
                    Within {days} days
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {query.data.cohorts.map((cohort) => (
                <tr key={cohort.cohort ?? ""}>
                  <td>{cohort.name ?? cohort.cohort ?? "not named"}</td>
                  <td className="number">{count(cohort.customers)}</td>
                  {WINDOWS.map((days) => (
                    <Share
                      key={days}
                      returned={cohort[`returned_${days}d`]}
                      eligible={cohort[`eligible_${days}d`]}
                    />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
      <Downloads of={path("retention")} query={asked} />
    </>
  );
}

function Share({ returned, eligible }: { returned: number; eligible: number }) {
  if (eligible === 0) return <td className="number muted">too early</td>;
  const ratio = returned / eligible;
  return (
    <td className={`number shade-${Math.min(SHADES - 1, Math.floor(ratio * SHADES))}`}>
      {percent(ratio)}{" "}
      <span className="small muted">
        {returned} of {eligible}
      </span>
    </td>
  );
}
