import { InvalidArgumentError } from "commander";
import type { Outcome } from "../inbox/arrival.js";

const statuses: readonly Outcome[] = ["processed", "stale", "ignored", "deferred", "dead"];

export function parseList(value: string): string[] {
  return value.split(",").flatMap((item) => item.trim() || []);
}

export function parseStatuses(value: string): Outcome[] {
  return parseList(value).map((item) => {
    const status = statuses.find((known) => known === item);
    if (!status) throw new InvalidArgumentError(`One of ${statuses.join(", ")}.`);
    return status;
  });
}

export function parseCount(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError("A whole number from 1 up.");
  return count;
}

/** A time with its zone; one without is UTC, whatever zone the machine is in. */
export function parseInstantOption(value: string): Date {
  const text = /[zZ]|[+-]\d\d:?\d\d$/.test(value) || !value.includes("T") ? value : `${value}Z`;
  const instant = new Date(text);
  if (Number.isNaN(instant.getTime())) throw new InvalidArgumentError("A time such as 2026-03-08T17:00:00Z.");
  return instant;
}
