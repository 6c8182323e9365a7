import type { MirroredObjects, ObjectKind } from "./types.js";

/** Postgres types, as `jsonb_to_recordset` reads them. */
type ColumnType = "integer" | "bigint" | "text" | "timestamptz" | "jsonb" | "boolean";

type ColumnTypes<Row> = Readonly<Record<keyof Row, ColumnType>>;

/** The fields of an object that are columns of its table. Array fields are parts, which have their own table. */
type ColumnsOf<Value> = {
  [Name in keyof Value as Name extends "order_key"
    ? never
    : Value[Name] extends readonly unknown[]
      ? never
      : Name]: Value[Name];
};

/** The parts of an object. They have their own table. Each stored copy of the object replaces them. */
type PartsOf<Value> = {
  [Field in keyof Value & string]: Value[Field] extends readonly (infer Part)[]
    ? {
        readonly table: string;
        /** The object's field that holds the parts. */
        readonly field: Field;
        /** The column with the part's index in the array, from 0. */
        readonly position: keyof Part & string;
        readonly columns: ColumnTypes<Part>;
      }
    : never;
}[keyof Value & string];

/** Which customer's row in `customer_analytics` an object changes. */
export type Owner<Value> =
  /** The survivor of the customer that the object reports. The table has `reported_customer_id` and `customer_id`. */
  | { readonly by: "report"; readonly customerId: (value: Value) => string | null }
  /** The customer of its payment. The table has `payment_id`. */
  | { readonly by: "payment"; readonly paymentId: (value: Value) => string | null }
  /** The object is a customer. */
  | { readonly by: "itself" }
  | { readonly by: "nobody" };

export type OwnedBy = Owner<never>["by"];

/** What the SQL statements need to know about a kind of object. */
export interface TableShape {
  readonly table: string;
  /** The column with the object's Square id. */
  readonly key: string;
  /** Every column that a copy of the object fills, the key first. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly owner: { readonly by: OwnedBy };
  /** Some copies have no version. The table has `other_copy` and `not_found_since`. */
  readonly mayLackVersion?: true;
  /** Present where an object names a location. An unknown location gets a placeholder row. */
  readonly locationId?: unknown;
  /** Present where an object counts on a local day, in reports. See src/facts/day-marks.ts. */
  readonly day?: {
    /** The column with its instant. */
    readonly at: string;
    /** The columns that change what is counted. Empty: any change may. */
    readonly counts: readonly string[];
    /** The column with the time at which it was made, where this may rebook a visit. */
    readonly madeAt?: string;
  };
  readonly parts?: {
    readonly table: string;
    readonly field: string;
    readonly position: string;
    readonly columns: Readonly<Record<string, ColumnType>>;
  };
}

/** One kind of Square object: its table, and what the writer needs to know about an object. */
interface MirrorTable<Value> extends TableShape {
  readonly key: keyof ColumnsOf<Value> & string;
  readonly columns: ColumnTypes<ColumnsOf<Value>>;
  readonly parts?: PartsOf<Value>;
  readonly id: (value: Value) => string;
  readonly owner: Owner<Value>;
  readonly locationId?: (value: Value) => string | null;
}

/** Drives the writer. Kinds are written in this order: payments before refunds, whose customer is the payment's. */
export const mirrorTables: { readonly [Kind in ObjectKind]: MirrorTable<MirroredObjects[Kind]> } = {
  payment: {
    table: "payments",
    key: "payment_id",
    id: (payment) => payment.payment_id,
    columns: {
      payment_id: "text",
      status: "text",
      reported_customer_id: "text",
      location_id: "text",
      order_id: "text",
      amount_cents: "bigint",
      tip_cents: "bigint",
      total_cents: "bigint",
      processing_fee_cents: "bigint",
      currency: "text",
      source_type: "text",
      is_gift_card: "boolean",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      raw: "jsonb",
    },
    owner: { by: "report", customerId: (payment) => payment.reported_customer_id },
    locationId: (payment) => payment.location_id,
    day: {
      at: "created_at",
      counts: ["status", "location_id", "amount_cents", "tip_cents", "total_cents", "currency", "created_at"],
    },
  },
  booking: {
    table: "bookings",
    key: "booking_id",
    id: (booking) => booking.booking_id,
    columns: {
      booking_id: "text",
      version: "integer",
      status: "text",
      reported_customer_id: "text",
      location_id: "text",
      start_at: "timestamptz",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      duration_minutes: "integer",
      customer_note: "text",
      seller_note: "text",
      creator_type: "text",
      source: "text",
      raw: "jsonb",
    },
    owner: { by: "report", customerId: (booking) => booking.reported_customer_id },
    locationId: (booking) => booking.location_id,
    day: { at: "start_at", counts: [], madeAt: "created_at" },
    parts: {
      table: "booking_segments",
      field: "segments",
      position: "segment_index",
      columns: {
        segment_index: "integer",
        team_member_id: "text",
        service_variation_id: "text",
        duration_minutes: "integer",
      },
    },
  },
  refund: {
    table: "refunds",
    key: "refund_id",
    id: (refund) => refund.refund_id,
    columns: {
      refund_id: "text",
      payment_id: "text",
      status: "text",
      location_id: "text",
      amount_cents: "bigint",
      currency: "text",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      raw: "jsonb",
    },
    owner: { by: "payment", paymentId: (refund) => refund.payment_id },
    locationId: (refund) => refund.location_id,
    day: {
      at: "created_at",
      counts: ["payment_id", "status", "location_id", "amount_cents", "currency", "created_at"],
    },
  },
  customer: {
    table: "customers",
    key: "square_customer_id",
    id: (customer) => customer.square_customer_id,
    columns: {
      square_customer_id: "text",
      version: "bigint",
      given_name: "text",
      family_name: "text",
      company_name: "text",
      email_address: "text",
      phone_number: "text",
      birthday: "text",
      creation_source: "text",
      created_at: "timestamptz",
      updated_at: "timestamptz",
      deleted_at: "timestamptz",
    },
    owner: { by: "itself" },
    mayLackVersion: true,
  },
  team_member: {
    table: "team_members",
    key: "square_team_member_id",
    id: (member) => member.square_team_member_id,
    columns: {
      square_team_member_id: "text",
      given_name: "text",
      family_name: "text",
      status: "text",
      updated_at: "timestamptz",
    },
    owner: { by: "nobody" },
  },
};

export const objectKinds = Object.keys(mirrorTables) as ObjectKind[];

/** The column list for `jsonb_to_recordset`. */
export function recordsetOf(columns: TableShape["columns"]): string {
  return Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(", ");
}

/** Makes one value for each kind. */
export function forEachKind<Value>(make: (shape: TableShape) => Value): Readonly<Record<ObjectKind, Value>> {
  const entries = objectKinds.map((kind) => [kind, make(mirrorTables[kind])] as const);
  return Object.fromEntries(entries) as Record<ObjectKind, Value>;
}
