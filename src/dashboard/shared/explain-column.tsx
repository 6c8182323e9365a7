import { useInfiniteQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { Explanation } from "../api/types.js";
import { entryOf, useColumns } from "./columns.js";
import { ago, counted, time, words } from "./format.js";
import { useApiPath, useOrganization } from "./organization.js";
import { ScrollBox } from "./scroll-box.js";
import { Failure, Skeleton } from "./states.js";
import { type ValueContext, valueInWords } from "./value.js";

/** A column of a customer: its definition, its freshness, and the rows or columns it comes from. */
export function ExplainColumn({ customerId, column }: { customerId: string; column: string }) {
  const path = useApiPath();
  const { currency, time_zone: timeZone } = useOrganization();
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
  const context = { currency, timeZone };
  const rows = query.data.pages.flatMap((page) => page.rows);
  return (
    <>
      <h2>{words(column)}</h2>
      <p className="explain-value">
        {valueInWords({ ...explanation, name: column }, explanation.value, context)}
      </p>
      <p>{explanation.description}</p>
      <p className="small muted">
        Exact from {time(explanation.as_of, timeZone)}{" "}
        {explanation.exact_until
          ? `until ${time(explanation.exact_until, timeZone)}`
          : "until an event changes it"}{" "}
        ({timeZone}).
      </p>
      {explanation.from === "columns" && <Inputs explanation={explanation} context={context} />}
      {explanation.from !== "columns" && explanation.from !== "profile" && (
        <Rows
          explanation={explanation}
          rows={rows}
          context={context}
          more={query.hasNextPage ? () => query.fetchNextPage() : undefined}
        />
      )}
      <p>
        <a className="button" href={url} target="_blank" rel="noreferrer">
          JSON
        </a>
      </p>
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
                <dd>{valueInWords(entryOf(dictionary.data, name), value, context)}</dd>
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
  explanation,
  rows,
  context,
  more,
}: {
  explanation: Explanation;
  rows: Explanation["rows"];
  context: ValueContext;
  more: (() => unknown) | undefined;
}) {
  const countedRows = rows.filter((row) => row.counted).length;
  return (
    <section>
      <h3>
        {counted(rows.length, `${explanation.from} row`)}
        {more ? ", newest first" : ""}; {countedRows} counted
      </h3>
      {explanation.condition && (
        <>
          <p className="small muted">A row counts when</p>
          <pre>{explanation.condition}</pre>
        </>
      )}
      <ScrollBox label="Rows" className="explain-rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Id</th>
              <th scope="col" className="number">
                Value
              </th>
              <th scope="col">Counted</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr
                key={`${row.id} ${row.time} ${JSON.stringify(row.value)}`}
                className={row.counted ? "" : "uncounted"}
              >
                <td title={row.time ? ago(row.time, new Date()) : ""}>
                  {row.time ? time(row.time, context.timeZone) : "–"}
                </td>
                <td>
                  <code>{row.id}</code>
                </td>
                <td className="number">
                  {typeof row.value === "object" && row.value !== null
                    ? JSON.stringify(row.value)
                    : valueInWords({ ...explanation, name: explanation.column }, row.value, context)}
                </td>
                <td>{row.counted ? "yes" : "no"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
      {more && (
        <button type="button" className="button" onClick={() => more()}>
          Older rows
        </button>
      )}
    </section>
  );
}
