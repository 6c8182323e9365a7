import type pg from "pg";
import { query, queryUnprepared, type Statement } from "../database/query.js";
import { readJson } from "../square/read-json.js";
import type { JsonObject } from "../square/types.js";
import { withoutTexts } from "../square/without-texts.js";
import { writeJson } from "../square/write-json.js";
import { type Fact, noProfile } from "./types.js";

/**
 * The erasure of a customer's personal data: profile, notes, and the texts in Square's objects. Ids, statuses, times
 * and money stay, so every count and sum stays what it is. An erased id stays erased: `withoutErased` strips what
 * arrives for it later, before it is stored.
 */

/** The columns of `customers` that tell who somebody is. */
export const profileColumns = Object.keys(noProfile);

/**
 * Whether a fact tells of one of these customers. The customer of a refund is known only by its payment, so every
 * refund counts.
 */
export function concerns(fact: Fact, customerIds: ReadonlySet<string>): boolean {
  switch (fact.kind) {
    case "booking":
    case "payment":
      return fact.value.reported_customer_id !== null && customerIds.has(fact.value.reported_customer_id);
    case "customer":
    case "recovery":
    case "absence":
      return customerIds.has(fact.value.square_customer_id);
    case "merge":
      return customerIds.has(fact.value.from_customer_id) || customerIds.has(fact.value.to_customer_id);
    case "refund":
      return true;
    default:
      return false;
  }
}

/** The fact as it is stored for an erased customer. Its order key stays, so copies are compared as before. */
function stripped(fact: Fact): Fact {
  switch (fact.kind) {
    case "booking": {
      const raw = withoutTexts(fact.value.raw);
      return { kind: fact.kind, value: { ...fact.value, customer_note: null, seller_note: null, raw } };
    }
    case "payment":
      return { kind: fact.kind, value: { ...fact.value, raw: withoutTexts(fact.value.raw) } };
    case "refund":
      return { kind: fact.kind, value: { ...fact.value, raw: withoutTexts(fact.value.raw) } };
    case "customer":
      return { kind: fact.kind, value: { ...fact.value, ...noProfile } };
    default:
      return fact;
  }
}

// By the primary keys. It runs after the locks, so it sees every erasure that was committed before.
const erasedStatement: Statement = {
  name: "erased_customers",
  text: `
    select square_customer_id from customer_erasures
    where organization_id = $1 and (square_customer_id = any ($2) or square_customer_id in (
      select reported_customer_id from payments where organization_id = $1 and payment_id = any ($3)
    ))`,
};

/**
 * The erased among these customers, and among those of these stored payments.
 *
 * @param customerIds as Square reports them, whether merged or not
 */
export async function findErased(
  tx: pg.PoolClient,
  organizationId: string,
  customerIds: readonly string[],
  paymentIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const values = [organizationId, customerIds, paymentIds];
  const { rows } = await query<{ square_customer_id: string }>(tx, erasedStatement, values);
  return new Set(rows.map((row) => row.square_customer_id));
}

/** The facts of each event. Those of erased customers lose their texts. */
export function withoutErased(
  events: readonly (readonly Fact[])[],
  erased: ReadonlySet<string>,
): readonly (readonly Fact[])[] {
  if (erased.size === 0) return events;
  return events.map((facts) => facts.map((fact) => (concerns(fact, erased) ? stripped(fact) : fact)));
}

const recordStatement: Statement = {
  name: "record_erasure",
  text: `
    insert into customer_erasures (organization_id, square_customer_id, erased_at)
    select $1, unnest($2::text[]), $3
    on conflict do nothing`,
};

// Index: primary key. The other copy of a profile may stand later.
const clearProfilesStatement: Statement = {
  name: "erase_profiles",
  text: `
    update customers set ${profileColumns.map((name) => `${name} = null`).join(", ")},
      other_copy = other_copy - $3::text[]
    where organization_id = $1 and square_customer_id = any ($2)
      and (num_nonnulls(${profileColumns.join(", ")}) > 0 or other_copy ?| $3::text[])`,
};

// Index: primary key. The code is a text that the seller chose. Rewards and their counts stay.
const clearReferralStatement: Statement = {
  name: "erase_referral_code",
  text: `
    update referral_profiles set referral_code = null
    where organization_id = $1 and square_customer_id = any ($2) and referral_code is not null`,
};

/** A table whose rows hold Square's object as `raw`, and how the customer's rows are found. */
interface RawTable {
  readonly table: string;
  readonly key: string;
  readonly notes: readonly string[];
  readonly isTheirs: string;
}

const reported = `customer_id in (
        select unnest($2::text[])
        union select to_customer_id from customer_aliases where organization_id = $1 and from_customer_id = any ($2)
      ) and reported_customer_id = any ($2)`;

const rawTables: readonly RawTable[] = [
  { table: "bookings", key: "booking_id", notes: ["customer_note", "seller_note"], isTheirs: reported },
  { table: "payments", key: "payment_id", notes: [], isTheirs: reported },
  {
    table: "refunds",
    key: "refund_id",
    notes: [],
    isTheirs: `payment_id in (select payment_id from payments where organization_id = $1 and ${reported})`,
  },
];

/** Rows of one page. A payload is at most 1 MiB. */
const PAGE = 200;

// By bookings_customer_idx, payments_customer_idx and refunds_payment_idx.
function pageStatement({ table, key, isTheirs }: RawTable): Statement {
  return {
    name: `raw_${table}_of_customer`,
    text: `
    select ${key} as id, raw::text as raw from ${table}
    where organization_id = $1 and ${isTheirs} and ${key} > $3
    order by ${key} limit $4`,
  };
}

function stripStatement({ table, key, notes }: RawTable): Statement {
  return {
    name: `erase_texts_of_${table}`,
    text: `
    update ${table} t set raw = e.raw${notes.map((note) => `, ${note} = null`).join("")}
    from jsonb_to_recordset($2::jsonb) as e (id text, raw jsonb)
    where t.organization_id = $1 and t.${key} = e.id
      and (t.raw is distinct from e.raw${notes.map((note) => ` or t.${note} is not null`).join("")})`,
  };
}

const rawStatements = rawTables.map((table) => ({
  table: table.table,
  page: pageStatement(table),
  strip: stripStatement(table),
}));

/** How many rows lost texts. */
export interface ErasedRows {
  readonly profiles: number;
  readonly bookings: number;
  readonly payments: number;
  readonly refunds: number;
}

/**
 * Records the erasure of these ids and strips their stored facts, in the caller's transaction. The caller holds the
 * customers' locks and recomputes their rows.
 *
 * @param now the instant of the erasure
 */
export async function eraseFacts(
  tx: pg.PoolClient,
  organizationId: string,
  customerIds: readonly string[],
  now: Date,
): Promise<ErasedRows> {
  const run = async (statement: Statement, values: readonly unknown[]) =>
    (await queryUnprepared(tx, statement, [organizationId, ...values])).rowCount ?? 0;
  await run(recordStatement, [customerIds, now]);
  await run(clearReferralStatement, [customerIds]);
  const profiles = await run(clearProfilesStatement, [customerIds, profileColumns]);
  const counts: Record<string, number> = {};
  for (const { table, page, strip } of rawStatements) {
    let after = "";
    for (;;) {
      const { rows } = await queryUnprepared<{ id: string; raw: string }>(tx, page, [
        organizationId,
        customerIds,
        after,
        PAGE,
      ]);
      const erased = rows.map(({ id, raw }) => ({
        id,
        raw: withoutTexts(readJson(Buffer.from(raw)) as JsonObject),
      }));
      if (erased.length > 0) counts[table] = (counts[table] ?? 0) + (await run(strip, [writeJson(erased)]));
      const last = rows.at(-1);
      if (rows.length < PAGE || !last) break;
      after = last.id;
    }
  }
  const { bookings = 0, payments = 0, refunds = 0 } = counts;
  return { profiles, bookings, payments, refunds };
}
