import { useQuery } from "@tanstack/react-query";
import type { CohortKind, RetentionNumber, RetentionWindow } from "../../reports/retention.js";
import { ask, withQuery } from "../api/client.js";
import type { CohortCustomer, CohortRow } from "../api/types.js";
import { useColumns } from "./columns.js";
import { CountedCustomerRows } from "./explain-customers.js";
import { count, day, month, percent } from "./format.js";
import { LocationName, Name, nameInWords } from "./name.js";
import { useApiPath, useOrganization } from "./organization.js";
import { lastDays } from "./period.js";
import { useScope } from "./scope.js";
import { Failure, Skeleton } from "./states.js";

export const COHORT_KINDS: readonly (readonly [kind: CohortKind, label: string])[] = [
  ["month", "Month"],
  ["technician", "Technician"],
  ["location", "Location"],
  ["service", "Service"],
];
/** The compiler refuses a missing one. */
const windows: Record<RetentionWindow, true> = { 30: true, 60: true, 90: true, 180: true };
export const WINDOWS = Object.keys(windows).map(Number) as RetentionWindow[];
/** A period that was not entered by hand is too short to see anybody come back. */
const YEAR = 365;

/** Of the customers whose first visit lies in the period, or in a year: how many came back. */
export function useRetention(by: CohortKind) {
  const { from, to, isByHand, locationId } = useScope();
  const path = useApiPath();
  const asked = {
    by,
    from: isByHand ? from : lastDays(YEAR, to).from,
    to,
    location_id: locationId,
  };
  const url = withQuery(path("retention"), asked);
  const query = useQuery({ queryKey: ["retention", url], queryFn: () => ask<{ cohorts: CohortRow[] }>(url) });
  return { query, asked };
}

/** What the customers of a cohort share. */
export function CohortName({ by, of: { cohort, name } }: { by: CohortKind; of: CohortRow }) {
  if (cohort === null) return "not named";
  return by === "month" ? month(cohort) : <Name id={cohort} name={name} />;
}

/** How the address names a number of a cohort. Behind the last slash of the cohort that is null stands nothing. */
export const cohortAddress = (by: CohortKind, counted: RetentionNumber, { cohort }: CohortRow) =>
  `retention/${by}/${counted}/${cohort ?? ""}`;

/** The customers whom a number of a cohort counts. */
export function ExplainRetention({
  by: kind,
  counted,
  cohort,
}: {
  by: string;
  counted: string;
  cohort: string;
}) {
  const by = COHORT_KINDS.find(([each]) => each === kind)?.[0];
  const { query, asked } = useRetention(by ?? "month");
  const { today, locationId } = useScope();
  const place = useOrganization().locations.find(({ location_id }) => location_id === locationId);
  const path = useApiPath();
  const dictionary = useColumns();
  if (query.isPending) return <Skeleton lines={6} />;
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  const row = query.data.cohorts.find((each) => (each.cohort ?? "") === cohort);
  if (by === undefined || !row || !isNumber(row, counted)) return <p>There is no such number.</p>;
  const days = WINDOWS.find((each) => counted === `returned_${each}d`);
  const eligible = days && row[`eligible_${days}d`];
  // An empty cohort names the one that is null, so it must not be left out.
  const url = `${withQuery(path("retention/customers"), { ...asked, counted })}&${new URLSearchParams({ cohort })}`;
  return (
    <>
      <h2>
        {headingOf(counted)}: <CohortName by={by} of={row} />
      </h2>
      <p className="explain-value">{count(row[counted])}</p>
      {eligible ? (
        <p className="muted">
          {percent(row[counted] / eligible)} of {count(eligible)}
        </p>
      ) : null}
      <p>{dictionary.data?.measures.retention[counted]}</p>
      <p className="small muted">
        {day(asked.from, today)} to {day(asked.to, today)},{" "}
        {place ? nameInWords(place.location_id, place.name) : "all locations"}. Computed from the stored
        bookings when it was asked for.
      </p>
      <CountedCustomerRows<CohortCustomer>
        url={url}
        times={[
          { head: "First visit", of: ({ first_visit_at }) => first_visit_at },
          { head: "Came back", of: ({ returned_at }) => returned_at },
        ]}
        texts={[{ head: "Location", write: (row) => <LocationName of={row} /> }]}
      />
    </>
  );
}

function isNumber(row: CohortRow, name: string): name is RetentionNumber {
  return name !== "cohort" && name !== "name" && Object.hasOwn(row, name);
}

function headingOf(counted: RetentionNumber): string {
  if (counted === "customers") return "First visits";
  const days = counted.replace(/\D/g, "");
  return counted.startsWith("returned")
    ? `Came back within ${days} days`
    : `First visit ${days} days ago or more`;
}
