import { useLayoutEffect, useRef } from "react";
import type { ListedCustomer } from "../api/types.js";
import { Figure } from "../shared/figure.js";
import { counted, money } from "../shared/format.js";
import { Name } from "../shared/name.js";
import { useOrganization } from "../shared/organization.js";
import { PageLink } from "../shared/page-link.js";
import { SegmentName } from "../shared/segment.js";
import { sentenceOf } from "../shared/sentence.js";
import { nameOf } from "../shared/value.js";
import { type ListProps, useVisible } from "./customer-table.js";

/** About what a card needs; each is measured once it is in sight. */
const CARD = 128;

/** The list on a phone: each customer with the sentence. */
export function CustomerCards({ customers, more }: ListProps) {
  const { box, rows, before, after, measure } = useVisible(customers.length, CARD, more);
  return (
    <ul className="cards" ref={box}>
      <Room height={before} />
      {rows.map((index) => {
        const customer = customers[index];
        return (
          customer && (
            <li key={customer.square_customer_id} className="customer-card" ref={measure} data-index={index}>
              <CustomerCard customer={customer} />
            </li>
          )
        );
      })}
      <Room height={after} />
    </ul>
  );
}

function CustomerCard({ customer }: { customer: ListedCustomer }) {
  const { time_zone } = useOrganization();
  const id = customer.square_customer_id;
  return (
    <>
      <div className="spread">
        <PageLink href={`/customers/${encodeURIComponent(id)}`}>
          <Name id={id} name={nameOf(customer)} />
        </PageLink>
        <SegmentName segment={customer.customer_segment} />
      </div>
      <p className="small">{sentenceOf(customer, new Date(), time_zone)}</p>
      <p className="small muted">
        <Figure explain={`customer/${id}/total_visits`}>{counted(customer.total_visits, "visit")}</Figure>,{" "}
        <Figure explain={`customer/${id}/total_revenue_cents`}>
          {money(customer.total_revenue_cents, customer.currency)}
        </Figure>
      </p>
    </>
  );
}

function Room({ height }: { height: number }) {
  const item = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    if (item.current) item.current.style.height = `${height}px`;
  }, [height]);
  return height > 0 ? <li ref={item} aria-hidden="true" /> : null;
}
