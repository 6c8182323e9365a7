import type { Handler } from "../../handlers/handler.js";
import { describeFailure } from "../errors.js";
import type { Fact } from "../facts/types.js";
import type { SquareEvent } from "../square/envelope.js";
import { InvalidPayload } from "../square/schemas.js";

/** How an event ended (contract section 2). */
export type Outcome = "processed" | "duplicate" | "stale" | "ignored" | "deferred" | "dead";

export type EventSource = "webhook" | "events_api" | "replay";

/** What an event turned out to mean, before anything is stored. */
export type Interpretation =
  | { readonly kind: "facts"; readonly facts: readonly Fact[] }
  | { readonly kind: "ignored" }
  /** A known type whose payload breaks the schema: no retry can mend it. */
  | { readonly kind: "dead"; readonly reason: string }
  /** The handler itself failed: a later version of it, or of the world, may not. */
  | { readonly kind: "failed"; readonly reason: string };

/** One event on its way through the inbox. */
export interface ReceivedEvent {
  readonly event: SquareEvent;
  readonly source: EventSource;
  readonly receivedAt: Date;
  readonly interpretation: Interpretation;
  /** How often its processing was begun, this time included. */
  readonly attempts: number;
}

export type FindHandler = (eventType: string) => Handler | undefined;

/** Asks the event's handler what it means. Never throws: one event's failure must not touch its neighbours. */
export function interpret(event: SquareEvent, findHandler: FindHandler): Interpretation {
  const handler = findHandler(event.type);
  if (!handler) return { kind: "ignored" };
  try {
    return { kind: "facts", facts: handler.interpret(event) };
  } catch (error) {
    if (error instanceof InvalidPayload) return { kind: "dead", reason: error.message };
    return { kind: "failed", reason: describeFailure(error) };
  }
}
