/** Values as Square writes them. */

/** RFC 3339, UTC, microseconds: `2026-03-08T01:30:00.000000Z`. Text order is time order; `timestamptz` holds all of it. */
export type Instant = string & { readonly __brand: "Instant" };

/** As an instant, with nine digits: what Square said to the nanosecond. */
export type ExactInstant = string & { readonly __brand: "ExactInstant" };

/** A JSON value as `readJson` returns it: integers beyond 2^53 are bigint, all others number. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type JsonObject = { readonly [key: string]: JsonValue };
