import { z } from "zod";
import { money, optionalName, parser, requiredInstant, requiredName } from "./fields.js";

/** @see https://developer.squareup.com/reference/square/objects/PaymentRefund */
const refundSchema = z.object({
  id: requiredName,
  payment_id: optionalName,
  status: requiredName,
  location_id: optionalName,
  amount_money: money,
  created_at: requiredInstant,
  updated_at: requiredInstant,
});

export const parseRefund = parser("refund", refundSchema);
