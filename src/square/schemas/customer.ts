import { z } from "zod";
import { orderKey } from "../order-key.js";
import type { Customer, Instant, JsonObject } from "../types.js";
import {
  INT64_MAX,
  int64,
  optionalInstant,
  optionalName,
  optionalText,
  parseObject,
  requiredName,
} from "./fields.js";

const customerSchema = z.object({
  id: requiredName,
  version: int64.nullish(),
  given_name: optionalText,
  family_name: optionalText,
  company_name: optionalText,
  email_address: optionalText,
  phone_number: optionalText,
  birthday: optionalText,
  creation_source: optionalName,
  created_at: optionalInstant,
  updated_at: optionalInstant,
});

/** Of a deleted profile only this matters, so nothing else can break its schema. */
const deletedCustomerSchema = z.object({
  id: requiredName,
  version: int64.nullish(),
  updated_at: optionalInstant,
});

const mergeSchema = z
  .object({
    merge: z.object({ from_customer_ids: z.array(requiredName), to_customer_id: requiredName }).nullish(),
  })
  .nullish();

/**
 * Reads a live customer profile in wire shape, from a webhook or the API.
 *
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/reference/square/objects/Customer
 */
export function parseCustomer(object: unknown): Customer {
  const customer = parseObject("customer", customerSchema, object);
  const version = customer.version ?? 0n;
  return {
    square_customer_id: customer.id,
    version,
    given_name: customer.given_name,
    family_name: customer.family_name,
    company_name: customer.company_name,
    email_address: customer.email_address,
    phone_number: customer.phone_number,
    birthday: customer.birthday,
    creation_source: customer.creation_source,
    created_at: customer.created_at,
    updated_at: customer.updated_at,
    deleted_at: null,
    order_key: orderKey({
      version,
      updatedAt: customer.updated_at,
      terminal: false,
      refundedAmount: 0n,
      object: object as JsonObject,
    }),
  };
}

export interface DeletedCustomer {
  readonly id: string;
  /** The version the profile had at its end; null when nothing says. */
  readonly version: bigint | null;
  readonly updated_at: Instant | null;
}

/** Reads what is left of a profile in `customer.deleted`. @throws {InvalidPayload} */
export function parseDeletedCustomer(object: unknown): DeletedCustomer {
  const { id, version, updated_at } = parseObject("customer", deletedCustomerSchema, object);
  return { id, version: version ?? null, updated_at };
}

/**
 * The tombstone of a deleted profile.
 *
 * @param deletedAt stands in the order key, so that two deletes of one version end alike in either order
 * @param object the profile as the event carried it, or null
 */
export function tombstone(deleted: DeletedCustomer, deletedAt: Instant, object: JsonObject | null): Customer {
  // When nothing says which version the deletion ended, it outranks every version.
  const version = deleted.version ?? INT64_MAX;
  return {
    square_customer_id: deleted.id,
    version,
    given_name: null,
    family_name: null,
    company_name: null,
    email_address: null,
    phone_number: null,
    birthday: null,
    creation_source: null,
    created_at: null,
    updated_at: null,
    deleted_at: deletedAt,
    order_key: orderKey({
      version,
      deleted: true,
      updatedAt: deletedAt,
      terminal: false,
      refundedAmount: 0n,
      object,
    }),
  };
}

export interface MergeContext {
  readonly from_customer_ids: readonly string[];
  readonly to_customer_id: string;
}

/**
 * Reads `event_context` of a customer event, which is there only when a merge caused the event.
 *
 * @returns null without a merge
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/docs/customers-api/use-the-api/customer-webhooks
 */
export function parseMergeContext(eventContext: unknown): MergeContext | null {
  return parseObject("event_context", mergeSchema, eventContext)?.merge ?? null;
}
