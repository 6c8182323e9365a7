import { time } from "./format.js";
import { useOrganization } from "./organization.js";
import { PageLink } from "./page-link.js";
import { ScrollBox } from "./scroll-box.js";

/** What the rows of a list behind a number have in common. */
interface CountedRow {
  readonly location_name: string | null;
  readonly customer_id: string | null;
  readonly customer_name: string | null;
}

interface Props<Row> {
  readonly heading: string;
  readonly label: string;
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  readonly timeOf: (row: Row) => string;
  /** Columns of numbers, behind time, customer and location. */
  readonly numbers: readonly { readonly head: string; readonly write: (row: Row) => string }[];
  /** Reads the next page. Left out on the last one. */
  readonly more?: { readonly label: string; readonly read: () => void } | undefined;
}

/** The bookings or payments behind a number, in pages. */
export function CountedRows<Row extends CountedRow>(props: Props<Row>) {
  const { heading, label, rows, idOf, timeOf, numbers, more } = props;
  const { time_zone: timeZone } = useOrganization();
  return (
    <section>
      <h3>{heading}</h3>
      {rows.length > 0 && (
        <ScrollBox label={label} className="explain-rows">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Customer</th>
                <th scope="col">Location</th>
                {numbers.map(({ head }) => (
                  <th key={head} scope="col" className="number">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={idOf(row)} title={idOf(row)}>
                  <td>{time(timeOf(row), timeZone)}</td>
                  <td>
                    {row.customer_id === null ? (
                      "nobody"
                    ) : (
                      <PageLink href={`/customers/${encodeURIComponent(row.customer_id)}`}>
                        {row.customer_name ?? row.customer_id}
                      </PageLink>
                    )}
                  </td>
                  <td>{row.location_name ?? "no location"}</td>
                  {numbers.map(({ head, write }) => (
                    <td key={head} className="number">
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
        <button type="button" className="button" onClick={more.read}>
          {more.label}
        </button>
      )}
    </section>
  );
}
