import { bookings } from "./bookings.js";
import { customers } from "./customers.js";
import type { Expectations } from "./expectation.js";
import { money } from "./money.js";
import { others } from "./others.js";

/** Written from Square's documentation and the contract, never from what came out. */
export const EXPECTATIONS: Expectations = { ...bookings, ...money, ...customers, ...others };
