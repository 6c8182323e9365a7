import { useInfiniteQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { ExplainRow, Explanation } from "../api/types.js";
import { ColumnValue } from "./column-value.js";
import { entryOf, useColumns } from "./columns.js";
import { CountedList } from "./counted-rows.js";
import { counted, time, words } from "./format.js";
import { useValueContext } from "./names.js";
import { useApiPath } from "./organization.js";
import { JsonButton } from "./page.js";
import { Failure, Skeleton } from "./states.js";
import type { ValueContext } from "./value.js";

/** A column of a customer: its definition, its freshness, and the rows or columns it comes from. */
export function ExplainColumn({ customerId, column }: { customerId: string; column: string }) {
  const path = useApiPath();
  const context = useValueContext();
  const url = path(`customers/${encodeURIComponent(customerId)}/explain/${encodeURIComponent(column)}`);
  const query = useInfiniteQuery({
    queryKey: ["explain", url],
    queryFn: ({ pageParam }) => ask<Explanation>(withQuery(url, { before: pageParam })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ older }) => older ?? undefined,
  });
  if (query.isPending) return <Skeleton lines={8} />;
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  const [explanation] = query.data.pages;
  if (!explanation) return null;
  const { timeZone } = context;
  const isCounted = explanation.from !== "columns" && explanation.from !== "profile";
  const rows = query.data.pages.flatMap((page) => page.rows);
  return (
    <>
      <h2>{words(column)}</h2>
      <p className="explain-value">
        <ColumnValue column={{ ...explanation, name: column }} value={explanation.value} context={context} />
      </p>
      <p>{explanation.description}</p>
      <p className="small muted">
        Exact from {time(explanation.as_of, timeZone)}{" "}
        {explanation.exact_until
          ? `until ${time(explanation.exact_until, timeZone)}`
          : "until an event changes it"}{" "}
        ({timeZone}).
      </p>
      {isCounted ? (
        <Rows
          url={url}
          explanation={explanation}
          rows={rows}
          context={context}
          more={query.hasNextPage ? () => query.fetchNextPage() : undefined}
        />
      ) : (
        <>
          {explanation.from === "columns" && <Inputs explanation={explanation} context={context} />}
          <p>
            <JsonButton url={url} />
          </p>
        </>
      )}
    </>
  );
}

function Inputs({ explanation, context }: { explanation: Explanation; context: ValueContext }) {
  const dictionary = useColumns();
  const inputs = Object.entries(explanation.inputs);
  return (
    <section>
      {inputs.length > 0 && (
        <>
          <h3>Computed from</h3>
          <dl className="explain-inputs">
            {inputs.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <ColumnValue column={entryOf(dictionary.data, name)} value={value} context={context} />
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
      {explanation.formula !== null && (
        <>
          <h3>Formula</h3>
          <pre>{explanation.formula}</pre>
        </>
      )}
    </section>
  );
}

function Rows({
  url,
  explanation,
  rows,
  context,
  more,
}: {
  url: string;
  explanation: Explanation;
  rows: Explanation["rows"];
  context: ValueContext;
  more: (() => unknown) | undefined;
}) {
  const countedRows = rows.filter((row) => row.counted).length;
  return (
    <CountedList<ExplainRow>
      heading={`${counted(rows.length, `${explanation.from} row`)}${more ? ", newest first" : ""}; ${countedRows} counted`}
      intro={
        explanation.condition && (
          <>
            <p className="small muted">A row counts when</p>
            <pre>{explanation.condition}</pre>
          </>
        )
      }
      label="Rows"
      url={url}
      rows={rows}
      idOf={({ id, time: at, value }) => `${id} ${at} ${JSON.stringify(value)}`}
      isMuted={(row) => !row.counted}
      columns={[
        { head: "Time", write: (row) => (row.time ? time(row.time, context.timeZone) : "–") },
        { head: "Id", write: ({ id }) => <code>{id}</code> },
        {
          head: "Value",
          isNumber: true,
          write: ({ value }) =>
            typeof value === "object" && value !== null ? (
              JSON.stringify(value)
            ) : (
              <ColumnValue
                column={{ ...explanation, name: explanation.column }}
                value={value}
                context={context}
              />
            ),
        },
        { head: "Counted", write: (row) => (row.counted ? "yes" : "no") },
      ]}
      more={more && { label: "Older rows", read: more }}
    />
  );
}
