import { isIP } from "node:net";
import { Cron } from "croner";
import { z } from "zod";
import { databaseUrl } from "./config/database-url.js";
import { isLoopback } from "./config/host.js";
import { withFiles } from "./config/secret-files.js";
import { ConfigurationError } from "./errors.js";

/**
 * Square shows an event for 28 days and retries it for one day. A shorter retention could make a replay impossible.
 */
const SHORTEST_RETENTION_DAYS = 35;

/** How long raw events are kept by default. */
export const EVENT_RETENTION_DAYS = 90;

/** How many days stored events are kept. */
export interface Retention {
  /** The event's id, type and status. A repeated delivery is recognized for so long. */
  readonly eventDays: number;
  /** The payload of an event that was processed. It is personal data, and without it the event cannot be replayed. */
  readonly payloadDays: number;
}

/** The server does not limit guesses, so a key must be long. 18 random bytes are 24 characters in base64. */
const SHORTEST_KEY = 24;

/** What a script or a template writes for a variable that is not set. */
const PLACEHOLDER = /^(false|true|null|undefined|none|nan|\[object object\]|\$\{?\w+\}?|\{\{.*\}\}|<.*>)$/i;

const text = z.string();
const secret = text.refine((value) => !PLACEHOLDER.test(value), {
  error: "is a placeholder, not a secret",
  abort: true,
});
/** What an Authorization header can carry after `Bearer`. */
const bearerToken = secret.regex(
  /^[\x21-\x7e]+$/,
  "holds a space or another character that an Authorization header cannot carry",
);
const webUrl = text.refine(isWebUrl, {
  error: "must be an absolute http:// or https:// URL without a space",
  abort: true,
});

/**
 * Every environment variable. Each may also come from a file that NAME_FILE names. Messages never quote a value,
 * because it may be a secret.
 */
const variables = {
  DATABASE_URL: databaseUrl.optional(),
  DATABASE_READ_URL: databaseUrl.optional(),
  DATABASE_POOL_SIZE: wholeNumber(1, 1000).default(10),
  DATA_DIR: text.default("./.regulars"),
  HOST: text
    .refine(isHost, "must be a name or an address alone, without scheme, port or brackets, such as 0.0.0.0")
    .default("127.0.0.1"),
  PORT: wholeNumber(0, 65_535).default(3000),
  SQUARE_WEBHOOK_SIGNATURE_KEY: text
    .transform((list) => list.split(",").flatMap((key) => key.trim() || []))
    .pipe(z.array(secret).min(1, "holds no key"))
    .optional(),
  SQUARE_WEBHOOK_NOTIFICATION_URL: webUrl
    .refine(isDeliverable, "must start with https://: Square delivers to HTTPS only")
    .optional(),
  SQUARE_MERCHANT_ID: secret.optional(),
  SQUARE_ACCESS_TOKEN: secret.optional(),
  SQUARE_ENVIRONMENT: z
    .enum(["production", "sandbox"], "must be production or sandbox")
    .default("production"),
  SQUARE_BASE_URL: webUrl.refine((url) => !/[?#]/.test(url), "must have no ? and no #").optional(),
  CRON_SECRET: bearerToken.optional(),
  ADMIN_API_KEY: bearerToken.optional(),
  TOKEN_ENCRYPTION_KEY: text
    .regex(
      /^([A-Za-z0-9+/]{43}|[\w-]{43})=?$/,
      "must be 32 bytes in base64: make one with openssl rand -base64 32",
    )
    .transform((key) => Buffer.from(key, "base64"))
    .optional(),
  RECONCILE_SCHEDULE: text
    .regex(/^(off|[\w*,/?#-]+(\s+[\w*,/?#-]+){4,5})$/, {
      error: "must be a cron expression of 5 or 6 fields such as 0 * * * *, or off",
      abort: true,
    })
    .refine(hasNextRun, "is not a cron expression, or it never runs")
    .default("0 * * * *"),
  EVENT_RETENTION_DAYS: wholeNumber(SHORTEST_RETENTION_DAYS, 36_500).default(EVENT_RETENTION_DAYS),
  PAYLOAD_RETENTION_DAYS: wholeNumber(1, 36_500).optional(),
  LOG_LEVEL: z
    .enum(
      ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
      "must be a pino level: fatal, error, warn, info, debug, trace or silent",
    )
    .default("info"),
};

type Values = { [Name in keyof typeof variables]: z.output<(typeof variables)[Name]> };

/** The database: a Postgres when `databaseUrl` is set, otherwise the embedded one in `dataDir`. */
export interface DatabaseConfig {
  readonly databaseUrl?: string;
  /** A streaming replica of that Postgres, from which reports are read. */
  readonly readUrl?: string;
  readonly dataDir: string;
  readonly poolSize: number;
}

/**
 * What verifies a webhook's signature. Any of the keys may match. The URL must be the subscribed one, byte for byte.
 */
export interface WebhookConfig {
  readonly signatureKeys: readonly string[];
  readonly notificationUrl: string;
}

export interface Config {
  readonly database: DatabaseConfig;
  readonly host: string;
  readonly port: number;
  /** Present when both variables are set, and always with `require: "serve"`. */
  readonly webhook?: WebhookConfig;
  readonly square: {
    readonly environment: "production" | "sandbox";
    readonly baseUrl?: string;
    readonly merchantId?: string;
    readonly accessToken?: string;
  };
  readonly cronSecret?: string;
  readonly adminApiKey?: string;
  /** 32 bytes. */
  readonly tokenEncryptionKey?: Buffer;
  /** A cron expression, or `off`. */
  readonly reconcileSchedule: string;
  readonly retention: Retention;
  readonly logLevel: Values["LOG_LEVEL"];
}

export type ServeConfig = Config & { readonly webhook: WebhookConfig };

/**
 * Reads the configuration from environment variables, and from the files that `NAME_FILE` variables name. An empty
 * value counts as not set. With `require: "serve"` the webhook's signature key and URL must be set.
 *
 * @throws ConfigurationError that lists every problem
 */
export function loadConfig(env: NodeJS.ProcessEnv, options: { require: "serve" }): ServeConfig;
export function loadConfig(env: NodeJS.ProcessEnv, options: { require: "command" }): Config;
export function loadConfig(
  variablesAndFiles: NodeJS.ProcessEnv,
  options: { require: "serve" | "command" },
): Config {
  const { env, problems } = withFiles(variablesAndFiles, Object.keys(variables));
  const { values, problems: wrongValues } = readVariables(env);
  problems.push(...wrongValues);
  problems.push(...problemsBetweenVariables(env, options.require));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return toConfig(values as Values);
}

function readVariables(env: NodeJS.ProcessEnv): { values: Record<string, unknown>; problems: string[] } {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, schema] of Object.entries(variables)) {
    const value = env[name]?.trim() || undefined;
    const stray = value && strayCharacters(value);
    const read = schema.safeParse(value);
    if (stray) problems.push(`${name} ${stray}`);
    else if (read.success) values[name] = read.data;
    else problems.push(...new Set(read.error.issues.map((issue) => `${name} ${issue.message}`)));
  }
  return { values, problems };
}

/** Finds quotes, comments and invisible characters that editors, Docker and shells leave in a value by mistake. */
function strayCharacters(value: string): string | undefined {
  if (/^["'`\u2018-\u201f].*["'`\u2018-\u201f]$/s.test(value)) {
    return "is in quotes: leave them out (docker --env-file makes them part of the value)";
  }
  if (/\s#/.test(value)) {
    return "holds a comment: put it on its own line (docker --env-file makes it part of the value)";
  }
  if (/[\p{Cc}\p{Cf}]/u.test(value)) return "holds a line break or an invisible character: type it again";
  return undefined;
}

/** A file that cannot be used has a problem of its own, so its variable counts as set. */
function isSet(env: NodeJS.ProcessEnv, name: string): boolean {
  return [env[name], env[`${name}_FILE`]].some((value) => (value ?? "").trim() !== "");
}

function problemsBetweenVariables(env: NodeJS.ProcessEnv, require: "serve" | "command"): string[] {
  const problems: string[] = [];
  const needs = (name: keyof Values, why: string) => {
    if (!isSet(env, name)) problems.push(`${name} ${why}`);
  };
  if (require === "serve") {
    needs("SQUARE_WEBHOOK_SIGNATURE_KEY", "is required: the signature key of the webhook subscription");
    needs("SQUARE_WEBHOOK_NOTIFICATION_URL", "is required: the notification URL exactly as subscribed");
    problems.push(...shortKeys(env));
  }
  if (isSet(env, "DATABASE_READ_URL") && !isSet(env, "DATABASE_URL")) {
    problems.push("DATABASE_READ_URL needs DATABASE_URL, the primary of that replica");
  }
  if (isSet(env, "SQUARE_ACCESS_TOKEN")) {
    needs("SQUARE_MERCHANT_ID", "is required when SQUARE_ACCESS_TOKEN is set");
    needs(
      "TOKEN_ENCRYPTION_KEY",
      "is required when SQUARE_ACCESS_TOKEN is set: the token is stored encrypted",
    );
  }
  return problems;
}

function shortKeys(env: NodeJS.ProcessEnv): string[] {
  if (!env.HOST?.trim() || isLoopback(env.HOST)) return [];
  const isShort = (name: string) => {
    const key = env[name]?.trim();
    return key ? key.length < SHORTEST_KEY : false;
  };
  return ["ADMIN_API_KEY", "CRON_SECRET"].filter(isShort).map((name) => {
    const why = `is shorter than ${SHORTEST_KEY} characters, and HOST lets other machines reach the server`;
    return `${name} ${why}: make one with openssl rand -hex 32`;
  });
}

function toConfig(values: Values): Config {
  const signatureKeys = values.SQUARE_WEBHOOK_SIGNATURE_KEY;
  const notificationUrl = values.SQUARE_WEBHOOK_NOTIFICATION_URL;
  return {
    database: {
      ...optional("databaseUrl", values.DATABASE_URL),
      ...optional("readUrl", values.DATABASE_READ_URL),
      dataDir: values.DATA_DIR,
      poolSize: values.DATABASE_POOL_SIZE,
    },
    host: values.HOST,
    port: values.PORT,
    ...(signatureKeys && notificationUrl ? { webhook: { signatureKeys, notificationUrl } } : {}),
    square: {
      environment: values.SQUARE_ENVIRONMENT,
      ...optional("baseUrl", values.SQUARE_BASE_URL),
      ...optional("merchantId", values.SQUARE_MERCHANT_ID),
      ...optional("accessToken", values.SQUARE_ACCESS_TOKEN),
    },
    ...optional("cronSecret", values.CRON_SECRET),
    ...optional("adminApiKey", values.ADMIN_API_KEY),
    ...optional("tokenEncryptionKey", values.TOKEN_ENCRYPTION_KEY),
    reconcileSchedule: values.RECONCILE_SCHEDULE,
    retention: {
      eventDays: values.EVENT_RETENTION_DAYS,
      payloadDays: values.PAYLOAD_RETENTION_DAYS ?? values.EVENT_RETENTION_DAYS,
    },
    logLevel: values.LOG_LEVEL,
  };
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

function wholeNumber(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}`;
  return text
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message));
}

/** Uses the same library and options as src/sweep/schedule.ts. */
function hasNextRun(schedule: string): boolean {
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
function isDeliverable(value: string): boolean {
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || isLoopback(hostname.replace(/^\[(.*)\]$/, "$1"));
}

function isHost(value: string): boolean {
  return isIP(value) !== 0 || /^[\w.-]+$/.test(value);
}
