/** `dividend` over `divisor`, rounded to a whole number. A half is rounded away from zero, as in Postgres. */
export function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  const [n, d] = [magnitude(dividend), magnitude(divisor)];
  const quotient = (2n * n + d) / (2n * d);
  return dividend < 0n !== divisor < 0n ? -quotient : quotient;
}

/** `dividend` over `divisor`, rounded to 4 places. */
export function ratio(dividend: bigint | number, divisor: bigint | number): number {
  return Number(roundedQuotient(BigInt(dividend) * 10_000n, BigInt(divisor))) / 10_000;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
