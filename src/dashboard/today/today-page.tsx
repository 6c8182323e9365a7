import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { AppointmentsDay, RevenueDay } from "../api/types.js";
import { Chart } from "../shared/chart.js";
import { useUpcoming } from "../shared/explain-upcoming.js";
import { FirstSteps } from "../shared/first-steps.js";
import { addDays, count, counted, day, daysBetween, money } from "../shared/format.js";
import { useApiPath, useOrganization } from "../shared/organization.js";
import { Card, Downloads, PageHead } from "../shared/page.js";
import { Placed, ScopeControls, useScope } from "../shared/scope.js";
import { Empty, Failure, Skeleton } from "../shared/states.js";
import { CallList } from "./call-list.js";
import { MoneyChain } from "./money-chain.js";
import { SegmentBar } from "./segment-bar.js";
import { Ticker } from "./ticker.js";
import { Tiles } from "./tiles.js";
import { useKpi } from "./use-kpi.js";
import "./today.css";

/** What an owner opens every morning. Every part asks for itself, at once, and shows its answer when it is there. */
export function TodayPage() {
  const { sentence } = useScope();
  const { last_event_at } = useOrganization();
  return (
    <div className="stack">
      <PageHead title="Today" sentence={sentence}>
        <ScopeControls />
      </PageHead>
      {last_event_at === null && (
        <Card>
          <Empty title="No event has come yet.">
            <FirstSteps />
          </Empty>
        </Card>
      )}
      <Ticker />
      <Placed>
        <Numbers />
        <div className="columns columns-2">
          <Card>
            <AppointmentsByDay />
          </Card>
          <Card>
            <RevenueByDay />
          </Card>
        </div>
        <Card>
          <SegmentBar />
        </Card>
        <div className="columns columns-2">
          <Card>
            <CallList
              title="Slipping away"
              query={{ overdue: "true", sort: "overdue_at", order: "desc" }}
              nothing="Nobody is overdue. Every regular has booked or is on time."
            />
          </Card>
          <Card>
            <CallList
              title="Due this week, nothing booked"
              query={{ due_within_days: "7", sort: "overdue_at", order: "asc" }}
              nothing="Nobody becomes overdue within 7 days."
            />
          </Card>
        </div>
      </Placed>
    </div>
  );
}

/** A part of its own, so that its question is the first: a browser sends six at a time, and parents ask after their children. */
function Numbers() {
  const { url, kpi } = useKpi();
  const upcoming = useUpcoming();
  return (
    <>
      {kpi.isError && <Failure title="Numbers of the period" error={kpi.error} retry={kpi.refetch} />}
      {(kpi.data || kpi.isPending) && (
        <div className={kpi.isPlaceholderData ? "stack stale" : "stack"}>
          <Tiles kpi={kpi.data} url={url} upcoming={upcoming} />
          <MoneyChain kpi={kpi.data} />
        </div>
      )}
    </>
  );
}

/** Every day of the scope, with the sum of a column over the locations, and the links to download them. */
function useByDay<Row extends { date: string }>(kind: "appointments" | "revenue") {
  const scope = useScope();
  const path = useApiPath();
  const url = withQuery(path(`${kind}/daily`), scope.query);
  const query = useQuery({ queryKey: ["days", url], queryFn: () => ask<{ days: Row[] }>(url) });
  const days = Array.from({ length: daysBetween(scope.from, scope.to) + 1 }, (_, index) =>
    addDays(scope.from, index),
  );
  const sums = (column: keyof Row, counts: (row: Row) => boolean = () => true) => {
    const sum = new Map(days.map((each) => [each, 0]));
    for (const row of query.data?.days ?? []) {
      if (counts(row)) sum.set(row.date, (sum.get(row.date) ?? 0) + Number(row[column]));
    }
    return days.map((each) => sum.get(each) ?? 0);
  };
  const downloads = <Downloads of={path(`${kind}/daily`)} query={scope.query} />;
  return { query, downloads, days, sums, writeDay: (each: string) => day(each, scope.today) };
}

/** Bookings can be summed over locations. People cannot: who comes to two locations on one day is one customer. */
function AppointmentsByDay() {
  const title = "Accepted appointments by day";
  const { query, downloads, days, sums, writeDay } = useByDay<AppointmentsDay>("appointments");
  if (query.isPending) return <Skeleton lines={7} />;
  if (query.isError) return <Failure title={title} error={query.error} retry={query.refetch} />;
  const all = sums("accepted_appointments");
  // A customer is new once, so each new customer is one first booking.
  const first = sums("new_customers");
  const busiest = all.indexOf(Math.max(...all));
  return (
    <>
      <Chart
        name="appointments"
        title={title}
        sentence={`${counted(
          all.reduce((sum, value) => sum + value, 0),
          "appointment",
        )}, ${count(first.reduce((sum, value) => sum + value, 0))} of them a customer's first. The busiest day is ${writeDay(days[busiest] ?? "")} with ${all[busiest]}.`}
        shape="bars"
        days={days}
        series={[
          {
            name: "repeat",
            values: all.map((value, at) => value - (first[at] ?? 0)),
            tone: "soft",
          },
          { name: "first ever", values: first, tone: "accent" },
        ]}
        writeDay={writeDay}
        write={count}
      />
      {downloads}
    </>
  );
}

function RevenueByDay() {
  const title = "Revenue by day";
  const { currency } = useOrganization();
  const { query, downloads, days, sums, writeDay } = useByDay<RevenueDay>("revenue");
  if (query.isPending) return <Skeleton lines={7} />;
  if (query.isError) return <Failure title={title} error={query.error} retry={query.refetch} />;
  const revenue = sums("revenue_cents", (row) => row.currency === currency);
  const best = revenue.indexOf(Math.max(...revenue));
  return (
    <>
      <Chart
        name="revenue"
        title={title}
        sentence={`The best day is ${writeDay(days[best] ?? "")} with ${money(revenue[best] ?? 0, currency)}.`}
        shape="line"
        days={days}
        series={[{ name: "", values: revenue, tone: "accent" }]}
        writeDay={writeDay}
        write={(value) => money(value, currency)}
        writeShort={(value) => money(value, currency, { short: true })}
      />
      {downloads}
    </>
  );
}
