import type { ReactNode } from "react";
import { asCsv } from "../api/client.js";
import { time } from "./format.js";
import { LocationName, Name } from "./name.js";
import { useOrganization } from "./organization.js";
import { JsonButton } from "./page.js";
import { PageLink } from "./page-link.js";
import { ScrollBox } from "./scroll-box.js";

/** What the rows of a list behind a number have in common. */
interface CountedRow {
  readonly location_id: string | null;
  readonly location_name: string | null;
  readonly customer_id: string | null;
  readonly customer_name: string | null;
}

interface ListProps<Row> {
  readonly heading: string;
  /** Stands between the heading and the rows. */
  readonly intro?: ReactNode;
  readonly label: string;
  /** The API's list of them. */
  readonly url: string;
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  /** Whether the number leaves the row out. */
  readonly isMuted?: (row: Row) => boolean;
  /** Reads the next page. Left out on the last one. */
  readonly more?: { readonly label: string; readonly read: () => unknown } | undefined;
}

interface Column<Row> {
  readonly head: string;
  readonly isNumber?: boolean;
  readonly write: (row: Row) => ReactNode;
}

interface Props<Row> extends ListProps<Row> {
  readonly timeOf: (row: Row) => string;
  /** Columns of numbers, behind time, customer and location. */
  readonly numbers: readonly { readonly head: string; readonly write: (row: Row) => string }[];
}

/** The bookings or payments behind a number, in pages. */
export function CountedRows<Row extends CountedRow>({ timeOf, numbers, ...list }: Props<Row>) {
  const { time_zone: timeZone } = useOrganization();
  return (
    <CountedList<Row>
      {...list}
      columns={[
        { head: "Time", write: (row) => time(timeOf(row), timeZone) },
        { head: "Customer", write: (row) => <CustomerLink id={row.customer_id} name={row.customer_name} /> },
        { head: "Location", write: (row) => <LocationName of={row} /> },
        ...numbers.map((number) => ({ ...number, isNumber: true })),
      ]}
    />
  );
}

/** Leads to a customer of a list. */
export function CustomerLink({ id, name }: { id: string | null; name: string | null }) {
  if (id === null) return "nobody";
  return (
    <PageLink href={`/customers/${encodeURIComponent(id)}`}>
      <Name id={id} name={name} />
    </PageLink>
  );
}

/** The rows behind a number in pages, and all of them for a spreadsheet and for a program. */
export function CountedList<Row>(props: ListProps<Row> & { readonly columns: readonly Column<Row>[] }) {
  const { heading, intro, label, url, rows, idOf, isMuted, columns, more } = props;
  const flush = (isNumber: boolean | undefined) => isNumber && { className: "number" };
  return (
    <section>
      <h3>{heading}</h3>
      {intro}
      {rows.length > 0 && (
        <ScrollBox label={label} className="explain-rows">
          <table>
            <thead>
              <tr>
                {columns.map(({ head, isNumber }) => (
                  <th key={head} scope="col" {...flush(isNumber)}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={idOf(row)} title={idOf(row)} className={isMuted?.(row) ? "muted" : ""}>
                  {columns.map(({ head, isNumber, write }) => (
                    <td key={head} {...flush(isNumber)}>
                      {write(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
      {more && (
        <button type="button" className="button" onClick={() => more.read()}>
          {more.label}
        </button>
      )}
      <p className="row">
        <a className="button" href={asCsv(url)} download aria-label={`${label} as CSV`}>
          CSV
        </a>
        <JsonButton url={url} label={`${label} as JSON`} />
      </p>
    </section>
  );
}
