import { z } from "zod";
import {
  int64,
  optionalBirthday,
  optionalExactInstant,
  optionalInstant,
  optionalName,
  optionalText,
  parser,
  requiredName,
} from "./fields.js";

/** @see https://developer.squareup.com/reference/square/objects/Customer */
const customerSchema = z.object({
  id: requiredName,
  version: int64.nullish(),
  given_name: optionalText,
  family_name: optionalText,
  company_name: optionalText,
  email_address: optionalText,
  phone_number: optionalText,
  birthday: optionalBirthday,
  creation_source: optionalName,
  created_at: optionalInstant,
  updated_at: optionalExactInstant,
});

/** Only these fields of a deleted profile are used, so no other field can make it invalid. */
const deletedCustomerSchema = z.object({
  id: requiredName,
  version: int64.nullish(),
  updated_at: optionalExactInstant,
});

/** @see https://developer.squareup.com/docs/customers-api/use-the-api/customer-webhooks */
const contextSchema = z
  .object({
    merge: z.object({ from_customer_ids: z.array(requiredName), to_customer_id: requiredName }).nullish(),
  })
  .nullish();

export const parseCustomer = parser("customer", customerSchema);
/** The profile in `customer.deleted`. */
export const parseDeletedCustomer = parser("customer", deletedCustomerSchema);
/** The `event_context` of a customer event. It holds a merge if a merge caused the event. */
export const parseEventContext = parser("event_context", contextSchema);
