import type { CohortKind, RetentionWindow } from "../../reports/retention.js";
import type { CohortRow } from "../api/types.js";
import { useAddress } from "../shared/address.js";
import {
  COHORT_KINDS,
  CohortName,
  cohortAddress,
  useRetention,
  WINDOWS,
} from "../shared/explain-retention.js";
import { Figure } from "../shared/figure.js";
import { count, day, percent } from "../shared/format.js";
import { useApiPath } from "../shared/organization.js";
import { Downloads } from "../shared/page.js";
import { useScope } from "../shared/scope.js";
import { ScrollBox } from "../shared/scroll-box.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";

const SHADES = 5;

/** Of the customers whose first visit lies in the period: how many came back. */
export function Retention() {
  const { parameters, change } = useAddress();
  const path = useApiPath();
  const by = COHORT_KINDS.find(([kind]) => kind === parameters.get("by"))?.[0] ?? "month";
  const { to, today, isByHand } = useScope();
  const { query, asked } = useRetention(by);
  const period = isByHand
    ? "in the period"
    : `within the ${to === today ? "last 365 days" : `365 days to ${day(to, today)}`}`;
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
          {COHORT_KINDS.map(([kind, label]) => (
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
                  <td>
                    <CohortName by={by} of={cohort} />
                  </td>
                  <td className="number">
                    <Figure explain={cohortAddress(by, "customers", cohort)}>
                      {count(cohort.customers)}
                    </Figure>
                  </td>
                  {WINDOWS.map((days) => (
                    <Share key={days} by={by} days={days} cohort={cohort} />
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

function Share({ by, days, cohort }: { by: CohortKind; days: RetentionWindow; cohort: CohortRow }) {
  const returned = cohort[`returned_${days}d`];
  const eligible = cohort[`eligible_${days}d`];
  if (eligible === 0) return <td className="number muted">too early</td>;
  const ratio = returned / eligible;
  return (
    <td className={`number shade-${Math.min(SHADES - 1, Math.floor(ratio * SHADES))}`}>
      <Figure explain={cohortAddress(by, `returned_${days}d`, cohort)}>{percent(ratio)}</Figure>{" "}
      <span className="small muted">
        {returned} of <Figure explain={cohortAddress(by, `eligible_${days}d`, cohort)}>{eligible}</Figure>
      </span>
    </td>
  );
}
