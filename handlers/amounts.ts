import { INT64_MAX, INT64_MIN, InvalidPayload } from "../src/square/schemas/fields.js";

const INT4_MAX = 2 ** 31 - 1;

interface Money {
  readonly amount?: bigint | null | undefined;
  readonly currency: string | null;
}

/** Square omits an amount of 0. @returns null where there is no money object */
export function amountOf(money: Money | null | undefined): bigint | null {
  return money ? (money.amount ?? 0n) : null;
}

/**
 * The currency of the first money object that names one.
 *
 * @throws {InvalidPayload} no money object names a currency
 */
export function currencyOf(path: string, ...moneys: readonly (Money | null | undefined)[]): string {
  const currency = moneys.find((money) => money?.currency)?.currency;
  if (!currency) throw new InvalidPayload(`${path}.currency: expected a currency`);
  return currency;
}

/** Sums minor units. A sum beyond 64 bits becomes the nearest 64-bit number, so that no event is refused. */
export function sumOfMoney(amounts: readonly bigint[]): bigint {
  const sum = amounts.reduce((total, amount) => total + amount, 0n);
  return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : sum;
}

/** Sums minutes. The result is at most 2,147,483,647, the largest value of a Postgres `integer`. */
export function sumOfMinutes(minutes: readonly number[]): number {
  return Math.min(
    minutes.reduce((total, each) => total + each, 0),
    INT4_MAX,
  );
}
