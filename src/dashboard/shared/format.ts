/** How values are written. Money has its currency's own digits, times are those of a named zone. */
import type { Money } from "../api/types.js";

const LOCALE = "en-US";

const minorDigits = new Map<string, number>();

function digitsOf(currency: string): number {
  let digits = minorDigits.get(currency);
  if (digits === undefined) {
    const { maximumFractionDigits = 2 } = new Intl.NumberFormat(LOCALE, {
      style: "currency",
      currency,
    }).resolvedOptions();
    digits = maximumFractionDigits;
    minorDigits.set(currency, digits);
  }
  return digits;
}

/** Minor units as a currency writes them. Amounts past 2^53 come as text and keep every digit. */
export function money(minor: Money, currency: string, { short = false } = {}): string {
  const digits = digitsOf(currency);
  const format = { style: "currency", currency, ...(short && { maximumFractionDigits: 0 }) } as const;
  if (typeof minor === "number") {
    return new Intl.NumberFormat(LOCALE, format).format(minor / 10 ** digits);
  }
  const sign = minor.startsWith("-") ? "-" : "";
  const all = minor.replace("-", "").padStart(digits + 1, "0");
  const text = `${sign}${all.slice(0, all.length - digits)}.${all.slice(all.length - digits) || "0"}`;
  return new Intl.NumberFormat(LOCALE, format).format(text as `${number}`);
}

export const count = (value: Money) =>
  new Intl.NumberFormat(LOCALE).format(typeof value === "string" ? BigInt(value) : value);

export const percent = (ratio: number, digits = 0) =>
  new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: digits }).format(ratio);

/** A change beside the period before, with its sign; a dash where there is nothing to compare with. */
export function change(ratio: number | null): string {
  if (ratio === null) return "–";
  const shown = percent(Math.abs(ratio), Math.abs(ratio) < 0.1 ? 1 : 0);
  if (ratio === 0) return "unchanged";
  return ratio > 0 ? `▲ ${shown}` : `▼ ${shown}`;
}

/** The local day `YYYY-MM-DD` of an instant. */
export function dayIn(instant: Date, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(instant);
}

/** Calendar arithmetic on `YYYY-MM-DD`. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
}

/** `Nov 5`, with the year when it is not that of `today`. */
export function day(value: string, today?: string): string {
  const otherYear = today === undefined || today.slice(0, 4) !== value.slice(0, 4);
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone: "UTC",
    month: "short",
    day: "numeric",
    ...(otherYear && { year: "numeric" }),
  }).format(new Date(value));
}

/** `Thu, Nov 5, 2026, 2:30 PM` in the zone. */
export function time(instant: string, timeZone: string): string {
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone,
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  }).format(new Date(instant));
}

/** `12 seconds ago`, `in 3 days`. */
export function ago(instant: string, now: Date): string {
  const seconds = Math.round((Date.parse(instant) - now.getTime()) / 1000);
  const size = Math.abs(seconds);
  const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });
  if (size < 60) return relative.format(seconds, "second");
  if (size < 3_600) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return relative.format(Math.round(seconds / 3_600), "hour");
  return relative.format(Math.round(seconds / 86_400), "day");
}

/** `4 visits`, `1 visit`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/** `Nov 2025` of `2025-11`. */
export function month(value: string): string {
  return new Intl.DateTimeFormat(LOCALE, { timeZone: "UTC", month: "short", year: "numeric" }).format(
    new Date(value),
  );
}

/** A column's name as words, without its unit: `visits_last_90d` is "Visits last 90 days". */
export function words(name: string): string {
  const text = name
    .replace(/_(cents|at|hours|minutes)$/, "")
    .replace(/_(\d+)d$/, "_$1_days")
    .replaceAll("_", " ")
    .toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
