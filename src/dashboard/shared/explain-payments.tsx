import { withQuery } from "../api/client.js";
import type { CountedPayment, PaymentNumber } from "../api/types.js";
import { CountedRows } from "./counted-rows.js";
import { counted as inWords, money } from "./format.js";
import { useApiPath, useOrganization } from "./organization.js";
import { usePages } from "./pages.js";
import { useScope } from "./scope.js";
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
  const { currency } = useOrganization();
  const url = withQuery(path("payments"), { ...scope.query, counted });
  const query = usePages<CountedPayment>(url, "payments");
  if (query.isError) return <Failure error={query.error} retry={query.refetch} />;
  if (!query.rows) return <Skeleton lines={5} />;
  const payments = query.rows;
  const [one, many] = NOUNS[counted] ?? ["payment", "payments"];
  const heading = `${inWords(payments.length, one, many)} behind it`;
  return (
    <CountedRows
      heading={query.hasNextPage ? `The latest ${heading}` : heading}
      label="Payments"
      url={url}
      rows={payments}
      idOf={({ kind, id }) => `${kind} ${id}`}
      timeOf={({ created_at }) => created_at}
      numbers={[{ head: "Amount", write: (payment) => money(payment[amountOf(counted)], currency) }]}
      more={query.hasNextPage ? { label: "Earlier payments", read: query.fetchNextPage } : undefined}
    />
  );
}
