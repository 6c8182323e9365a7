import { Link } from "wouter";
import { withQuery } from "../api/client.js";
import type { CountedPayment, PaymentNumber } from "../api/types.js";
import { counted as inWords, money, time } from "./format.js";
import { useApiPath, useOrganization } from "./organization.js";
import { usePages } from "./pages.js";
import { useScope } from "./scope.js";
import { ScrollBox } from "./scroll-box.js";
import { Failure, Skeleton } from "./states.js";

const NOUNS: Partial<Record<PaymentNumber, readonly [one: string, many: string]>> = {
  refunded_cents: ["refund", "refunds"],
  net_cents: ["payment or refund", "payments and refunds"],
};

/** The column that adds up to the number. */
const amountOf = (name: PaymentNumber) =>
  name === "payment_count" || name === "unassigned_revenue_cents" ? "revenue_cents" : name;

/** The payments and refunds that an amount adds up, the latest first. */
export function CountedPaymentRows({ counted }: { counted: PaymentNumber }) {
  const path = useApiPath();
  const scope = useScope();
  const { currency, time_zone: timeZone } = useOrganization();
  const url = withQuery(path("payments"), { ...scope.query, counted });
  const query = usePages<CountedPayment>(url, "payments");
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  if (!query.rows) return <Skeleton lines={5} />;
  const payments = query.rows;
  const [one, many] = NOUNS[counted] ?? ["payment", "payments"];
  return (
    <section>
      <h3>
        {query.hasNextPage ? "The latest " : ""}
        {inWords(payments.length, one, many)} behind it
      </h3>
      {payments.length > 0 && (
        <ScrollBox label="Payments" className="explain-rows">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Customer</th>
                <th scope="col">Location</th>
                <th scope="col" className="number">
                  Amount
                </th>
              </tr>
            </thead>
            <tbody>
              {payments.map((payment) => (
                <tr key={`${payment.kind} ${payment.id}`} title={`${payment.kind} ${payment.id}`}>
                  <td>{time(payment.created_at, timeZone)}</td>
                  <td>
                    {payment.customer_id === null ? (
                      "nobody"
                    ) : (
                      <Link href={`/customers/${encodeURIComponent(payment.customer_id)}`}>
                        {payment.customer_name ?? payment.customer_id}
                      </Link>
                    )}
                  </td>
                  <td>{payment.location_name ?? "no location"}</td>
                  <td className="number">{money(payment[amountOf(counted)], currency)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
      {query.hasNextPage && (
        <button type="button" className="button" onClick={() => query.fetchNextPage()}>
          Earlier payments
        </button>
      )}
    </section>
  );
}
