import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { AppointmentsDay, Kpi, Money, TeamAnswer } from "../api/types.js";
import { useColumns } from "./columns.js";
import { CountedList } from "./counted-rows.js";
import { CountedBookingRows } from "./explain-bookings.js";
import { CountedPaymentRows } from "./explain-payments.js";
import { count, day, change as inWords, money, words } from "./format.js";
import { type MeasureName, measured, measures } from "./measures.js";
import { LocationName, nameInWords } from "./name.js";
import { useApiPath } from "./organization.js";
import { JsonButton } from "./page.js";
import { useScope } from "./scope.js";
import { Failure, Skeleton } from "./states.js";
import { teamMeasures, writeTeamNumber } from "./team-measures.js";

/** A number of the period: its definition, the period before, and the days behind it. */
export function ExplainMeasure({ name }: { name: string }) {
  const path = useApiPath();
  const scope = useScope();
  const dictionary = useColumns();
  const url = withQuery(path("kpi"), scope.query);
  const query = useQuery({ queryKey: ["kpi", url], queryFn: () => ask<Kpi>(url) });
  if (!isMeasure(name)) return <p>There is no such number.</p>;
  const measure = measures[name];
  if (query.isPending) return <Skeleton lines={6} />;
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  const { current, before, change, previous } = query.data;
  const ratio = change[name];
  return (
    <>
      <h2>{measure.label}</h2>
      <p className="explain-value">{measured(name, current)}</p>
      <p className="muted">
        {measured(name, before)} from {day(previous.from)} to {day(previous.to)}: {inWords(ratio)}
      </p>
      <p>{dictionary.data?.measures.kpi[name]}</p>
      <p className="small muted">
        {scope.sentence} Computed from the stored bookings and payments when it was asked for.
      </p>
      {measure.bookings && <CountedBookingRows counted={measure.bookings} />}
      {measure.payments && <CountedPaymentRows counted={measure.payments} />}
      {measure.days && <Days measure={measure.days} currency={current.currency} />}
      <p className="row">
        <JsonButton url={url} />
        <a className="button" href={`/docs`} target="_blank" rel="noreferrer">
          API
        </a>
      </p>
    </>
  );
}

function isMeasure(name: string): name is MeasureName {
  return Object.hasOwn(measures, name);
}

type DaysMeasure = NonNullable<(typeof measures)[MeasureName]["days"]>;
/** A row of either daily view. It is read by the names of its columns. */
type Day = Pick<AppointmentsDay, "date" | "location_id" | "location_name"> &
  Readonly<Record<string, Money | null>>;

function Days({ measure: { of, columns, adds }, currency }: { measure: DaysMeasure; currency: string }) {
  const path = useApiPath();
  const scope = useScope();
  const url = withQuery(path(`${of}/daily`), { ...scope.query, counted: columns[0] });
  const query = useQuery({ queryKey: ["days", url], queryFn: () => ask<{ days: Day[] }>(url) });
  if (query.isPending) return <Skeleton lines={5} />;
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  const { days } = query.data;
  const write = (column: string, value: Money) =>
    column.endsWith("_cents") ? money(value, currency) : count(value);
  const heading = adds
    ? "The days add up to it"
    : "By day; a customer of several days is counted once in the period";
  return (
    <CountedList<Day>
      heading={days.length === 0 ? "No day of the period has any" : heading}
      label="Days"
      url={url}
      rows={days}
      idOf={({ date, location_id }) => `${date} ${location_id ?? ""}`}
      columns={[
        { head: "Day", write: ({ date }) => day(date, scope.today) },
        { head: "Location", write: (row) => <LocationName of={row} /> },
        ...columns.map((column) => ({
          head: words(column),
          isNumber: true,
          write: (row: Day) => write(column, row[column] ?? 0),
        })),
      ]}
    />
  );
}

/** A team member's number: its definition and the bookings behind it. */
export function ExplainTeam({ name, teamMemberId }: { name: string; teamMemberId: string }) {
  const path = useApiPath();
  const scope = useScope();
  const dictionary = useColumns();
  const url = withQuery(path("team"), scope.query);
  const query = useQuery({ queryKey: ["team", url], queryFn: () => ask<TeamAnswer>(url) });
  const measure = teamMeasures.find((each) => each.name === name);
  if (!measure) return <p>There is no such number.</p>;
  const member = query.data?.team.find((each) => each.team_member_id === teamMemberId);
  return (
    <>
      <h2>
        {measure.label}
        {member && ` of ${nameInWords(teamMemberId, member.name)}`}
      </h2>
      {member && query.data && (
        <p className="explain-value">
          {writeTeamNumber(measure.name, member, query.data.list_price_currency)}
        </p>
      )}
      <p>{dictionary.data?.measures.team[name]}</p>
      <p className="small muted">{scope.sentence} Computed from the stored bookings when it was asked for.</p>
      <CountedBookingRows counted={measure.bookings} teamMemberId={teamMemberId} />
      <p>
        <JsonButton url={url} />
      </p>
    </>
  );
}
