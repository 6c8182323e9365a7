import { z } from "zod";
import { databaseUrl } from "./config/database-url.js";
import { isLoopback } from "./config/host.js";
import { withFiles } from "./config/secret-files.js";
import {
  bearerToken,
  hasNextRun,
  isDeliverable,
  isHost,
  readHeaders,
  secret,
  strayCharacters,
  text,
  webUrl,
  wholeNumber,
} from "./config/values.js";
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
  SQUARE_APPLICATION_ID: secret.optional(),
  SQUARE_APPLICATION_SECRET: secret.optional(),
  SQUARE_APPLICATION_ACCESS_TOKEN: secret.optional(),
  SQUARE_OAUTH_REDIRECT_URL: webUrl
    .refine(isDeliverable, "must start with https://: Square redirects to HTTPS only")
    .optional(),
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
  OTEL_EXPORTER_OTLP_ENDPOINT: webUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: webUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: secret.transform(readHeaders).optional(),
  OTEL_SDK_DISABLED: text.transform((value) => value.toLowerCase() === "true").optional(),
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

/** The collector that takes the traces, and the headers of each export. */
export interface TracingConfig {
  /** It takes OTLP over HTTP, as JSON. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The application at Square that sellers connect to. */
export interface ApplicationConfig {
  readonly id: string;
  readonly secret: string;
  /** Where Square sends the seller's browser back to, exactly as in Square's console. */
  readonly redirectUrl: string;
}

export interface Config {
  readonly database: DatabaseConfig;
  readonly host: string;
  readonly port: number;
  /** Present when both variables are set, and always with `require: "serve"`. */
  readonly webhook?: WebhookConfig;
  /** The URL alone. A command can make the subscription before there is a key. */
  readonly notificationUrl?: string;
  readonly square: {
    readonly environment: "production" | "sandbox";
    readonly baseUrl?: string;
    readonly merchantId?: string;
    readonly accessToken?: string;
    /** Present when SQUARE_APPLICATION_ID is set. Sellers connect to this application. */
    readonly application?: ApplicationConfig;
    /** The application's personal access token. Only it opens the application's webhook subscriptions. */
    readonly applicationAccessToken?: string;
  };
  readonly cronSecret?: string;
  readonly adminApiKey?: string;
  /** 32 bytes. */
  readonly tokenEncryptionKey?: Buffer;
  /** A cron expression, or `off`. */
  readonly reconcileSchedule: string;
  readonly retention: Retention;
  /** Present when `serve` and `reconcile` export traces. */
  readonly tracing?: TracingConfig;
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
    needs(
      "SQUARE_WEBHOOK_SIGNATURE_KEY",
      'is required: the signature key of the webhook subscription, which "regulars subscribe" prints',
    );
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
  if (isSet(env, "SQUARE_APPLICATION_ID") || isSet(env, "SQUARE_APPLICATION_SECRET")) {
    const why =
      "is required for connecting sellers, as SQUARE_APPLICATION_ID and SQUARE_APPLICATION_SECRET are";
    needs("SQUARE_APPLICATION_ID", why);
    needs("SQUARE_APPLICATION_SECRET", why);
    needs("TOKEN_ENCRYPTION_KEY", "is required for connecting sellers: their tokens are stored encrypted");
    if (!isSet(env, "SQUARE_WEBHOOK_NOTIFICATION_URL"))
      needs("SQUARE_OAUTH_REDIRECT_URL", "is required without SQUARE_WEBHOOK_NOTIFICATION_URL");
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
    ...optional("notificationUrl", notificationUrl),
    square: {
      environment: values.SQUARE_ENVIRONMENT,
      ...optional("baseUrl", values.SQUARE_BASE_URL),
      ...optional("merchantId", values.SQUARE_MERCHANT_ID),
      ...optional("accessToken", values.SQUARE_ACCESS_TOKEN),
      ...optional("application", applicationOf(values)),
      ...optional("applicationAccessToken", values.SQUARE_APPLICATION_ACCESS_TOKEN),
    },
    ...optional("cronSecret", values.CRON_SECRET),
    ...optional("adminApiKey", values.ADMIN_API_KEY),
    ...optional("tokenEncryptionKey", values.TOKEN_ENCRYPTION_KEY),
    reconcileSchedule: values.RECONCILE_SCHEDULE,
    retention: {
      eventDays: values.EVENT_RETENTION_DAYS,
      payloadDays: values.PAYLOAD_RETENTION_DAYS ?? values.EVENT_RETENTION_DAYS,
    },
    ...optional("tracing", tracingOf(values)),
    logLevel: values.LOG_LEVEL,
  };
}

/** The address of traces is used as it is. The address of all signals gets the path of traces. */
function tracingOf(values: Values): TracingConfig | undefined {
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/$/, "").concat("/v1/traces");
  const url = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? base;
  if (url === undefined || values.OTEL_SDK_DISABLED) return undefined;
  return { url, headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {} };
}

/** Square sends browsers back to the webhook's host, unless another address is configured. */
function applicationOf(values: Values): ApplicationConfig | undefined {
  const { SQUARE_APPLICATION_ID: id, SQUARE_APPLICATION_SECRET: secret } = values;
  const { SQUARE_OAUTH_REDIRECT_URL: given, SQUARE_WEBHOOK_NOTIFICATION_URL: webhook } = values;
  if (id === undefined || secret === undefined || (given ?? webhook) === undefined) return undefined;
  return { id, secret, redirectUrl: given ?? new URL("/connect/square/callback", webhook).href };
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}
