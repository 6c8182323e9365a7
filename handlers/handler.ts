import type { Fact } from "../src/facts/types.js";
import type { SquareEvent } from "../src/square/envelope.js";

/**
 * What events of some types mean for us. A handler is a pure function from an event to facts: it parses,
 * computes the order key and names the customers inside the facts; it never sees a transaction.
 */
export interface Handler {
  readonly eventTypes: readonly string[];
  /** @throws {InvalidPayload} when the payload breaks the schema: the event ends as `dead` with the reason. */
  interpret(event: SquareEvent): readonly Fact[];
}
