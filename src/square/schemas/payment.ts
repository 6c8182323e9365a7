import { z } from "zod";
import {
  optionalMoney,
  optionalName,
  parser,
  requiredExactInstant,
  requiredInstant,
  requiredName,
} from "./fields.js";

/** @see https://developer.squareup.com/reference/square/objects/Payment */
const paymentSchema = z.object({
  id: requiredName,
  status: requiredName,
  customer_id: optionalName,
  location_id: optionalName,
  order_id: optionalName,
  amount_money: optionalMoney,
  tip_money: optionalMoney,
  total_money: optionalMoney,
  refunded_money: optionalMoney,
  processing_fee: z.array(z.object({ amount_money: optionalMoney })).nullish(),
  source_type: optionalName,
  card_details: z.object({ card: z.object({ card_brand: optionalName }).nullish() }).nullish(),
  created_at: requiredInstant,
  updated_at: requiredExactInstant,
});

export const parsePayment = parser("payment", paymentSchema);
