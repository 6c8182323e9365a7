import type { PaymentJson, RefundJson } from "../objects.js";
import { YEAR } from "../world.js";
import type { Call, Endpoints } from "./endpoint.js";
import { byTime, instantOf, lenientLimit, within, wordOf } from "./parameters.js";
import { notFound } from "./refusal.js";

const ranges = [
  "begin_time",
  "end_time",
  "updated_at_begin_time",
  "updated_at_end_time",
  "sort_field",
  "sort_order",
  "limit",
];

export const paymentEndpoints: Endpoints = {
  "GET /v2/payments": {
    accepts: [...ranges, "location_id"],
    list: (call) => {
      const { listed, given } = call;
      // Without a location Square lists only the main one.
      const location = given.location_id || listed.merchant.main_location_id;
      const all = () => [...listed.payments.values()].filter(({ location_id }) => location_id === location);
      return { key: "payments", limit: lenientLimit(given.limit, 100), rows: timed(call, all) };
    },
  },
  "GET /v2/payments/{id}": {
    object: ({ truth, id }) => {
      const payment = truth.payments.get(id);
      if (!payment) throw notFound("Could not find payment with the given id.");
      return { payment };
    },
  },
  "GET /v2/refunds": {
    accepts: ranges,
    list: (call) => {
      const all = () => [...call.listed.refunds.values()];
      return { key: "refunds", limit: lenientLimit(call.given.limit, 100), rows: timed(call, all) };
    },
  },
};

/** Both ranges apply. The default of `begin_time` is a year ago, even with a range of `updated_at`. */
function timed<Item extends PaymentJson | RefundJson>(
  { given, now }: Call,
  all: () => readonly Item[],
): () => readonly Item[] {
  const created = [instantOf(given.begin_time, "begin_time") ?? now - YEAR, instant("end_time")] as const;
  const updated = [instant("updated_at_begin_time"), instant("updated_at_end_time")] as const;
  const field = wordOf(given.sort_field, "sort_field", ["CREATED_AT", "UPDATED_AT"]);
  const order = wordOf(given.sort_order, "sort_order", ["DESC", "ASC"]);
  function instant(name: string): number | undefined {
    return instantOf(given[name], name);
  }
  const wanted = ({ created_at, updated_at }: Item): boolean =>
    within(Date.parse(created_at), ...created) && within(Date.parse(updated_at), ...updated);
  const time = (one: Item): string => (field === "UPDATED_AT" ? one.updated_at : one.created_at);
  return () => byTime(all().filter(wanted), time, order);
}
