import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type RefCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ColumnEntry, ListedCustomer, Segment } from "../api/types.js";
import { ColumnValue } from "../shared/column-value.js";
import { Figure } from "../shared/figure.js";
import { words } from "../shared/format.js";
import { Name, nameInWords } from "../shared/name.js";
import { useValueContext } from "../shared/names.js";
import { PageLink } from "../shared/page-link.js";
import { SegmentName } from "../shared/segment.js";
import { isNumeric, NOTHING, nameOf, valueInWords } from "../shared/value.js";
import { SORTS, useSort } from "./sort.js";
import "../shared/table.css";

const ROW = 45;

export interface ListProps {
  readonly customers: readonly ListedCustomer[];
  readonly columns: readonly ColumnEntry[];
  /** Asks for the next page; undefined when there is none or it is on its way. */
  readonly more: (() => unknown) | undefined;
}

/** Only the rows in sight are in the document; the height is that of the rows that were loaded. */
export function CustomerTable({ customers, columns, more }: ListProps) {
  const { box, rows, before, after } = useVisible(customers.length, ROW, more);
  return (
    <div className="table-box" ref={box}>
      <table className="table" aria-rowcount={more ? -1 : customers.length + 1}>
        <thead>
          <tr>
            <Head name="name" label="Name" />
            {columns.map((column) => (
              <Head
                key={column.name}
                name={column.name}
                label={words(column.name)}
                number={isNumeric(column)}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={before} columns={columns.length + 1} />
          {rows.map((index) => {
            const customer = customers[index];
            return (
              customer && (
                <Row key={customer.square_customer_id} customer={customer} columns={columns} index={index} />
              )
            );
          })}
          <Spacer height={after} columns={columns.length + 1} />
        </tbody>
      </table>
    </div>
  );
}

function Head({ name, label, number = false }: { name: string; label: string; number?: boolean }) {
  const sort = useSort();
  const sortable = SORTS.some((each) => each.name === name);
  const isSorted = sort.name === name;
  return (
    <th
      scope="col"
      className={number ? "number" : ""}
      {...(isSorted && {
        "aria-sort": sort.order === "desc" ? ("descending" as const) : ("ascending" as const),
      })}
    >
      {sortable ? (
        <button type="button" className="sort-button" onClick={() => sort.sortBy(name)}>
          {label} {isSorted ? (sort.order === "desc" ? "↓" : "↑") : ""}
        </button>
      ) : (
        label
      )}
    </th>
  );
}

function Row({
  customer,
  columns,
  index,
}: {
  customer: ListedCustomer;
  columns: ListProps["columns"];
  index: number;
}) {
  const id = customer.square_customer_id;
  const service = { id: customer.preferred_service_variation_id, name: customer.preferred_service_name };
  const context = { ...useValueContext(service), currency: customer.currency, short: true };
  return (
    <tr aria-rowindex={index + 2}>
      <td>
        <PageLink href={`/customers/${encodeURIComponent(id)}`}>
          <Name id={id} name={nameOf(customer)} />
        </PageLink>
      </td>
      {columns.map((column) => {
        const value = customer[column.name];
        const text = valueInWords(column, value, context);
        const shown =
          column.name === "customer_segment" ? (
            <SegmentName segment={customer.customer_segment as Segment} />
          ) : (
            <ColumnValue column={column} value={value} context={context} />
          );
        return (
          <td key={column.name} className={isNumeric(column) ? "number" : ""}>
            {text === NOTHING ? (
              <span className="muted">{NOTHING}</span>
            ) : (
              <Figure
                explain={`customer/${id}/${column.name}`}
                label={`${words(column.name)} of ${nameInWords(id, nameOf(customer))}: ${text}`}
              >
                {shown}
              </Figure>
            )}
          </td>
        );
      })}
    </tr>
  );
}

/** Which of the rows are in sight, and the height of those that are not. */
export function useVisible(count: number, height: number, more: (() => unknown) | undefined) {
  const element = useRef<HTMLElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const rectangle = element.current?.getBoundingClientRect();
    if (rectangle) setTop(rectangle.top + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({
    count,
    estimateSize: () => height,
    overscan: 10,
    scrollMargin: top,
  });
  const items = virtual.getVirtualItems();
  const [first, last] = [items[0], items.at(-1)];
  useEffect(() => {
    if (last && last.index >= count - 20) more?.();
  }, [last, count, more]);
  const box: RefCallback<HTMLElement> = (found) => {
    element.current = found;
  };
  return {
    box,
    rows: items.map(({ index }) => index),
    /** Measures a row whose height is not known. The row names its index in `data-index`. */
    measure: virtual.measureElement,
    before: first ? first.start - top : 0,
    after: last ? virtual.getTotalSize() - (last.end - top) : 0,
  };
}

/** Room for the rows that are not in the document. The height is set by script: the page has no inline styles. */
function Spacer({ height, columns }: { height: number; columns: number }) {
  const cell = useRef<HTMLTableCellElement>(null);
  useLayoutEffect(() => {
    if (cell.current) cell.current.style.height = `${height}px`;
  }, [height]);
  if (height <= 0) return null;
  return (
    <tr className="spacer">
      <td ref={cell} colSpan={columns} />
    </tr>
  );
}
