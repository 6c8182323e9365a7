import type { Fact } from "../src/facts/types.js";
import type { SquareEvent } from "../src/square/envelope.js";
import type { Instant } from "../src/square/types.js";

/**
 * The meaning of some event types. A handler is a pure function from an event to facts. It reads the wire object and
 * computes the order key. It uses no transaction and no clock.
 *
 * A handler's file also exports `factsOf...` for the object alone. The pull calls it, so a copy from Square's API
 * means the same as an event.
 */
export interface Handler {
  readonly eventTypes: readonly string[];
  /** @throws {InvalidPayload} the payload breaks the schema. The event becomes `dead` with the reason. */
  interpret(event: SquareEvent): readonly Fact[];
}

/**
 * The time of a fact when neither the object nor the envelope has one. It is never the clock's time: one event must
 * give the same facts whenever it is read.
 */
export const TIME_UNKNOWN = "1970-01-01T00:00:00.000000Z" as Instant;
