import type { Expectations } from "./expectation.js";

const NILLA = "NILLA4X7M2QWEXAMPLETON01";
const OTTO = "OTTO6R2J5NDFIXTURESON003";
const DORA = "DORA1H8C4BYDUMMYWELL0004";
const SAM = "SAM3W6Z9LGSAMPLEMANN0005";
const BOTH = "MERGED5T1Y7OTTOANDDORA006";
const TWIN = "TWIN2B7X4FNILLAAGAIN00007";
const NO_PROFILE = {
  given_name: null,
  family_name: null,
  company_name: null,
  email_address: null,
  phone_number: null,
  birthday: null,
  creation_source: null,
  created_at: null,
  updated_at: null,
};

export const customers: Expectations = {
  "31-customer-created": [
    {
      customer: {
        square_customer_id: NILLA,
        version: 0n,
        given_name: "Nilla",
        family_name: "Exampleton",
        company_name: null,
        email_address: "nilla@example.com",
        phone_number: "+14155550101",
        birthday: "1990-04-01",
        creation_source: "APPOINTMENTS",
        created_at: "2026-02-20T18:03:50.519000Z",
        updated_at: "2026-02-20T18:03:50.000000Z",
        deleted_at: null,
      },
    },
  ],
  "32-customer-updated-cleared": [
    {
      customer: {
        version: 1n,
        company_name: "Exampleton & Daughters",
        email_address: null,
        phone_number: null,
        updated_at: "2026-02-23T09:00:01.000000Z",
      },
    },
  ],
  "33-customer-created-birthday-without-year": [{ customer: { birthday: "0000-12-24", deleted_at: null } }],
  "34-customer-deleted": [
    {
      customer: {
        ...NO_PROFILE,
        square_customer_id: SAM,
        version: 5n,
        deleted_at: "2026-03-09T08:00:00.500000Z",
      },
    },
  ],
  "35-customer-updated-deletion-recovery": [
    {
      customer: { square_customer_id: SAM, version: 6n, email_address: "sam@example.com", deleted_at: null },
    },
  ],
  "36-customer-deleted-without-object": [
    {
      customer: {
        ...NO_PROFILE,
        square_customer_id: "GHOST8P2D6KNOBODYSAIDWHEN",
        version: null,
        deleted_at: "2026-03-09T10:00:00.000000Z",
      },
    },
  ],
  "37-customer-created-merge": [
    { customer: { square_customer_id: BOTH, version: 0n, creation_source: "MERGE", deleted_at: null } },
    ...[OTTO, DORA].map((from_customer_id) => ({
      merge: {
        from_customer_id,
        to_customer_id: BOTH,
        source_version: null,
        merged_at: "2026-03-10T12:00:00.101000Z",
        announced_at: "2026-03-10T12:00:00.000000Z",
      },
    })),
  ],
  "38-customer-deleted-merged-otto": [
    {
      customer: {
        ...NO_PROFILE,
        square_customer_id: OTTO,
        version: 3n,
        deleted_at: "2026-03-10T12:00:00.000000Z",
      },
    },
    { merge: { from_customer_id: OTTO, to_customer_id: BOTH, source_version: 3n, merged_at: null } },
    { merge: { from_customer_id: DORA, to_customer_id: BOTH, source_version: null, merged_at: null } },
  ],
  "39-customer-deleted-merged-dora": [
    { customer: { ...NO_PROFILE, square_customer_id: DORA, deleted_at: "2026-03-01T08:00:00.250000Z" } },
    { merge: { from_customer_id: OTTO, to_customer_id: BOTH, source_version: null, merged_at: null } },
    { merge: { from_customer_id: DORA, to_customer_id: BOTH, source_version: 8n, merged_at: null } },
  ],
  "40-customer-created-unmerge-recovery": [
    { customer: { square_customer_id: DORA, version: 9n, deleted_at: null } },
    {
      recovery: {
        square_customer_id: DORA,
        recovered_version: 9n,
        recovered_at: "2026-03-15T12:00:00.000000Z",
      },
    },
  ],
  "41-customer-updated-merge": [
    { customer: { square_customer_id: NILLA, version: 7n } },
    {
      merge: {
        from_customer_id: TWIN,
        to_customer_id: NILLA,
        source_version: null,
        merged_at: null,
      },
    },
  ],
  "42-customer-deleted-without-any-time": [
    {
      customer: {
        ...NO_PROFILE,
        square_customer_id: TWIN,
        version: 2n,
        deleted_at: "1970-01-01T00:00:00.000000Z",
      },
    },
  ],
};
