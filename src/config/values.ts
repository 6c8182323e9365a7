import { isIP } from "node:net";
import { Cron } from "croner";
import { z } from "zod";
import { isLoopback } from "./host.js";

/** What a script or a template writes for a variable that is not set. */
const PLACEHOLDER = /^(false|true|null|undefined|none|nan|\[object object\]|\$\{?\w+\}?|\{\{.*\}\}|<.*>)$/i;

export const text = z.string();
export const secret = text.refine((value) => !PLACEHOLDER.test(value), {
  error: "is a placeholder, not a secret",
  abort: true,
});
/** What an Authorization header can carry after `Bearer`. */
export const bearerToken = secret.regex(
  /^[\x21-\x7e]+$/,
  "holds a space or another character that an Authorization header cannot carry",
);
export const webUrl = text.refine(isWebUrl, {
  error: "must be an absolute http:// or https:// URL without a space",
  abort: true,
});

/** Finds quotes, comments and invisible characters that editors, Docker and shells leave in a value by mistake. */
export function strayCharacters(value: string): string | undefined {
  if (/^["'`\u2018-\u201f].*["'`\u2018-\u201f]$/s.test(value)) {
    return "is in quotes: leave them out (docker --env-file makes them part of the value)";
  }
  if (/\s#/.test(value)) {
    return "holds a comment: put it on its own line (docker --env-file makes it part of the value)";
  }
  if (/[\p{Cc}\p{Cf}]/u.test(value)) return "holds a line break or an invisible character: type it again";
  return undefined;
}

/** Reads `name=value,name=value`. Values may be percent-encoded, as OpenTelemetry writes them. */
export function readHeaders(list: string, context: z.RefinementCtx): Record<string, string> {
  const headers: Record<string, string> = {};
  try {
    for (const pair of list.split(",")) {
      const [, name = "", value = "%"] = /^\s*([!#$%&'*+.^`|~\w-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
      headers[name] = decodeURIComponent(value);
    }
  } catch {
    context.addIssue({ code: "custom", message: "must be name=value, several with commas" });
  }
  return headers;
}

export function wholeNumber(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return text
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message));
}

/** Uses the same library and options as src/sweep/schedule.ts. */
export function hasNextRun(schedule: string): boolean {
  if (schedule === "off") return true;
  try {
    return new Cron(schedule, { timezone: "UTC", paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

function isWebUrl(value: string): boolean {
  return /^https?:\/\/\S+$/i.test(value) && URL.canParse(value);
}

/** Plain HTTP is allowed for a sender on this machine, such as the simulator. */
export function isDeliverable(value: string): boolean {
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || isLoopback(hostname.replace(/^\[(.*)\]$/, "$1"));
}

export function isHost(value: string): boolean {
  return isIP(value) !== 0 || /^[\w.-]+$/.test(value);
}
