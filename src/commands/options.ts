import { InvalidArgumentError, Option } from "commander";
import type { Outcome } from "../inbox/received-event.js";

const statuses: readonly Outcome[] = ["processed", "stale", "ignored", "deferred", "dead"];

/** `--json` of a command that prints one answer. */
export const jsonOption = () => new Option("--json", "print the answer as one line of JSON");

/** `--json` of a command that prints lines as long as it runs. */
export const jsonLinesOption = () => new Option("--json", "print one JSON object on each line");

export const organizationOption = () =>
  new Option("--organization <id>", "organization id or merchant id (required when there are several)");

export const customerOption = () =>
  new Option(
    "--customer <id>",
    "Square customer id; a merged id means its survivor (required)",
  ).makeOptionMandatory();

export function parseList(value: string): string[] {
  return value.split(",").flatMap((item) => item.trim() || []);
}

export function parseStatuses(value: string): Outcome[] {
  return parseList(value).map((item) => {
    const status = statuses.find((known) => known === item);
    if (!status) throw new InvalidArgumentError(`It must be one of ${statuses.join(", ")}.`);
    return status;
  });
}

/** @param least the smallest allowed number */
export function wholeNumber(least: number): (value: string) => number {
  return (value) => {
    const count = Number(value);
    if (/^\d{1,9}$/.test(value) && count >= least) return count;
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}

export const parseCount = wholeNumber(1);

export function parseRate(value: string): number {
  const rate = Number(value);
  if (value.trim() !== "" && rate >= 0 && rate <= 1) return rate;
  throw new InvalidArgumentError("It must be a rate from 0 to 1.");
}

/** Reads a time with its zone. A time without a zone is in UTC. A day alone means its beginning in UTC. */
export function parseInstantOption(value: string): Date {
  const [, day, time = "00:00", zone = "Z"] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s?(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
      value.trim(),
    ) ?? [];
  const instant = new Date(`${day}T${time}${zone}`);
  // `new Date` turns 31 February into 3 March.
  const midnight = new Date(`${day}T00:00Z`);
  const isReal = !Number.isNaN(instant.getTime()) && midnight.toISOString().slice(0, 10) === day;
  if (isReal) return instant;
  throw new InvalidArgumentError(
    "It must be a time such as 2026-03-08T17:00:00Z, or a day such as 2026-03-08.",
  );
}
