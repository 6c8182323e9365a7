/** Exact rounding like Postgres' numeric, and the list helpers of the columns. */

/** `numerator / denominator` rounded half away from zero, as text with exactly `places` decimals. */
export function rounded(numerator: bigint, denominator: bigint, places: number): string {
  const scaled = roundedInteger(numerator * 10n ** BigInt(places), denominator);
  const digits = magnitude(scaled)
    .toString()
    .padStart(places + 1, "0");
  const sign = scaled < 0n ? "-" : "";
  if (places === 0) return sign + digits;
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** `numerator / denominator` rounded half away from zero to a whole number. */
export function roundedInteger(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n;
  const n = magnitude(numerator);
  const d = magnitude(denominator);
  const result = (2n * n + d) / (2n * d);
  return negative ? -result : result;
}

/** The quotient, or NULL where the divisor is 0. */
export function roundedOrNull(numerator: bigint, denominator: bigint, places: number): string | null {
  return denominator === 0n ? null : rounded(numerator, denominator, places);
}

export function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

/** A sum, limited to the range of bigint or integer. */
export function saturated(value: bigint, bits: 32 | 64 = 64): bigint {
  const limit = 2n ** BigInt(bits - 1);
  return value < -limit ? -limit : value >= limit ? limit - 1n : value;
}

export function smallest<T extends bigint | number | string>(values: readonly T[]): T | null {
  return values.reduce<T | null>((best, value) => (best === null || value < best ? value : best), null);
}

export function greatest<T extends bigint | number | string>(values: readonly T[]): T | null {
  return values.reduce<T | null>((best, value) => (best === null || value > best ? value : best), null);
}

/** The distinct values that are not null. */
export function distinct<T>(values: readonly (T | null)[]): T[] {
  return [...new Set(values)].filter((value): value is T => value !== null);
}

/** @returns -1, 0 or 1. Text is compared by code unit. */
export function compare<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The most frequent value. On a tie: the value used most recently, then the smallest. Null does not count. */
export function mode<T extends number | string>(uses: readonly { value: T | null; at: bigint }[]): T | null {
  const candidates = distinct(uses.map((use) => use.value)).map((value) => {
    const times = uses.filter((use) => use.value === value).map((use) => use.at);
    return { value, count: times.length, lastUse: greatest(times) ?? 0n };
  });
  candidates.sort(
    (a, b) => compare(b.count, a.count) || compare(b.lastUse, a.lastUse) || compare(a.value, b.value),
  );
  return candidates[0]?.value ?? null;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
