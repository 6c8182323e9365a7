import { z } from "zod";
import {
  optionalMoney,
  optionalName,
  parser,
  requiredExactInstant,
  requiredInstant,
  requiredName,
} from "./fields.js";

/** @see https://developer.squareup.com/reference/square/objects/PaymentRefund */
const refundSchema = z.object({
  id: requiredName,
  payment_id: optionalName,
  status: requiredName,
  location_id: optionalName,
  amount_money: optionalMoney,
  created_at: requiredInstant,
  updated_at: requiredExactInstant,
});

export const parseRefund = parser("refund", refundSchema);
