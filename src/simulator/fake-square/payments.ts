import type { PaymentJson, RefundJson } from "../objects.js";
import { YEAR } from "../world.js";
import type { Call } from "./call.js";
import type { Endpoint } from "./endpoint.js";
import { instantOf, lenientLimit, wordOf } from "./parameters.js";
import { notFound } from "./refusal.js";
import { byTime, within } from "./rows.js";

const ranges = [
  "begin_time",
  "end_time",
  "updated_at_begin_time",
  "updated_at_end_time",
  "sort_field",
  "sort_order",
  "location_id",
  "cursor",
  "limit",
];

export const paymentEndpoints: readonly Endpoint[] = [
  {
    name: "GET /v2/payments",
    key: "payments",
    accepts: ranges,
    answer: (call) => {
      const { listed, query } = call;
      // The default is the trap: the main location alone.
      const location = query.location_id || listed.truth.merchant.main_location_id;
      const rows = timed(call, () => listed.all("payments").filter((one) => one.location_id === location));
      return { list: { key: "payments", limit: lenientLimit(query.limit, 100), rows } };
    },
  },
  {
    name: "GET /v2/payments/{payment_id}",
    key: "payment",
    answer: ({ present, id }) => {
      const payment = present.get("payments", id);
      if (!payment) throw notFound("Could not find payment with the given id.");
      return { object: { payment } };
    },
  },
  {
    name: "GET /v2/refunds",
    key: "refunds",
    accepts: [...ranges, "status"],
    answer: (call) => {
      const { listed, query } = call;
      const wanted = ({ location_id, status }: RefundJson): boolean =>
        (!query.location_id || location_id === query.location_id) &&
        (!query.status || status === query.status);
      const rows = timed(call, () => listed.all("refunds").filter(wanted));
      return { list: { key: "refunds", limit: lenientLimit(query.limit, 100), rows } };
    },
  },
  {
    name: "GET /v2/refunds/{refund_id}",
    key: "refund",
    answer: ({ present, id }) => {
      const refund = present.get("refunds", id);
      if (!refund) throw notFound("Could not find payment refund with the given id.");
      return { object: { refund } };
    },
  },
];

/** Both ranges count: `begin_time` is a year ago unless given, even beside a range of `updated_at`. */
function timed<Item extends PaymentJson | RefundJson>(
  { query, now }: Call,
  all: () => readonly Item[],
): () => readonly Item[] {
  const begin = instantOf(query.begin_time, "begin_time") ?? now - YEAR;
  const end = instantOf(query.end_time, "end_time");
  const updatedBegin = instantOf(query.updated_at_begin_time, "updated_at_begin_time");
  const updatedEnd = instantOf(query.updated_at_end_time, "updated_at_end_time");
  const field = wordOf(query.sort_field, "sort_field", ["CREATED_AT", "UPDATED_AT"]);
  const order = wordOf(query.sort_order, "sort_order", ["DESC", "ASC"]);
  const created = ({ created_at }: Item): number => Date.parse(created_at);
  const updated = ({ updated_at }: Item): number => Date.parse(updated_at);
  const wanted = (one: Item): boolean =>
    within(created(one), begin, end) && within(updated(one), updatedBegin, updatedEnd);
  const instant = field === "UPDATED_AT" ? updated : created;
  return () => byTime(all().filter(wanted), instant, ({ id }) => id, order);
}
