import type { Handler } from "../../handlers/handler.js";
import { describeFailure } from "../errors.js";
import type { Fact } from "../facts/types.js";
import type { SquareEvent } from "../square/envelope.js";
import { InvalidPayload } from "../square/schemas/fields.js";

/** How an event ended (docs/webhooks.md). */
export type Outcome = "processed" | "duplicate" | "stale" | "ignored" | "deferred" | "dead";

export type EventSource = "webhook" | "events_api" | "replay";

/** What an event means, before anything is stored. */
export type Interpretation =
  | { readonly kind: "facts"; readonly facts: readonly Fact[] }
  | { readonly kind: "ignored" }
  /** A known type whose payload breaks the schema. No retry can help. */
  | { readonly kind: "dead"; readonly reason: string }
  /** The handler threw another error. A later attempt may succeed. */
  | { readonly kind: "failed"; readonly reason: string };

/** An event in the inbox. */
export interface ReceivedEvent {
  readonly event: SquareEvent;
  readonly source: EventSource;
  readonly receivedAt: Date;
  readonly interpretation: Interpretation;
  /** How many attempts were begun, including this one. */
  readonly attempts: number;
}

export type FindHandler = (eventType: string) => Handler | undefined;

/**
 * Asks the event's handler what the event means. Never throws, so one event's failure does not affect other events.
 */
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
