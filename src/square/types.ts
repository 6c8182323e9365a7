/**
 * RFC 3339 in UTC with microseconds, as `timestamptz` keeps it: `2026-03-08T01:30:00.000000Z`. Sorts by time as text.
 */
export type Instant = string & { readonly __brand: "Instant" };

/** An instant with nanoseconds, as exact as Square writes it. */
export type ExactInstant = string & { readonly __brand: "ExactInstant" };

/** A JSON value as `readJson` returns it. Integers beyond 2^53 are bigint, all other numbers are number. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type JsonObject = { readonly [key: string]: JsonValue };
