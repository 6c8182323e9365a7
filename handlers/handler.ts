import type { Fact } from "../src/facts/types.js";
import type { SquareEvent } from "../src/square/envelope.js";
import type { Instant } from "../src/square/types.js";

/**
 * What events of some types mean for us. A handler is a pure function from an event to facts: it reads the wire object,
 * computes the order key and names the customers inside the facts. It never sees a transaction or a clock.
 *
 * Beside it a handler's file exports `factsOf...` for the object alone, so that the API's copy means the same.
 */
export interface Handler {
  readonly eventTypes: readonly string[];
  /** @throws {InvalidPayload} when the payload breaks the schema: the event ends as `dead` with the reason. */
  interpret(event: SquareEvent): readonly Fact[];
}

/**
 * Stands where a fact needs a time and neither the object nor the envelope tells one. Never the clock's: the
 * same event must give the same facts whenever it is read.
 */
export const TIME_UNKNOWN = "1970-01-01T00:00:00.000000Z" as Instant;
