import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { CustomersPage, ListedCustomer } from "../api/types.js";
import { Name } from "../shared/name.js";
import { useApiPath, useOrganization } from "../shared/organization.js";
import { PageLink } from "../shared/page-link.js";
import { useScope } from "../shared/scope.js";
import { sentenceOf } from "../shared/sentence.js";
import { Failure, Skeleton } from "../shared/states.js";
import { nameOf } from "../shared/value.js";

const SHOWN = 5;

/** What a call needs, and what the sentence is made of. */
const CSV_COLUMNS = [
  ...["square_customer_id", "given_name", "family_name", "company_name", "phone_number", "email_address"],
  ...["preferred_technician_name", "visit_days", "avg_days_between_visits", "last_visit_at", "overdue_at"],
].join(",");

/** The first customers of a list, each with the sentence that says why; the whole list one click away. */
export function CallList({
  title,
  query: filter,
  nothing,
}: {
  title: string;
  query: Readonly<Record<string, string>>;
  nothing: string;
}) {
  const path = useApiPath();
  const { locationId } = useScope();
  const asked = { ...filter, location_id: locationId };
  const url = withQuery(path("customers"), { ...asked, limit: SHOWN });
  const query = useQuery({ queryKey: ["customers", url], queryFn: () => ask<CustomersPage>(url) });
  return (
    <>
      <div className="spread">
        <h2>{title}</h2>
        <span className="row small">
          <a href={withQuery(path("customers.csv"), { ...asked, columns: CSV_COLUMNS })} download>
            CSV
          </a>
          <PageLink href={withQuery("/customers", asked)}>All of them</PageLink>
        </span>
      </div>
      {query.isPending && <Skeleton lines={8} />}
      {query.isError && <Failure error={query.error} retry={query.refetch} />}
      {query.data?.customers.length === 0 && <p className="muted">{nothing}</p>}
      <ul className="people">
        {query.data?.customers.map((customer) => (
          <Person key={customer.square_customer_id} customer={customer} />
        ))}
      </ul>
    </>
  );
}

function Person({ customer }: { customer: ListedCustomer }) {
  const { time_zone } = useOrganization();
  return (
    <li>
      <PageLink href={`/customers/${encodeURIComponent(customer.square_customer_id)}`}>
        <Name id={customer.square_customer_id} name={nameOf(customer)} />
      </PageLink>
      {customer.preferred_technician_name && (
        <span className="small muted"> · {customer.preferred_technician_name}</span>
      )}
      <p className="small">{sentenceOf(customer, new Date(), time_zone)}</p>
    </li>
  );
}
