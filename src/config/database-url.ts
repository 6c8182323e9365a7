import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import type { ConnectionOptions } from "node:tls";
import { z } from "zod";
import { isLoopback } from "./host.js";

/** How to connect to a Postgres. Every parameter means what it means in libpq. */
export interface DatabaseAddress {
  /** A name, an IP address without brackets, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Undefined when the URL has none. The driver then reads PGPASSWORD and ~/.pgpass. */
  readonly password?: string | undefined;
  readonly database: string;
  readonly applicationName?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** `prefer` encrypts when the server offers it. `tlsOptions` says what is verified. */
  readonly tls: "disable" | "prefer" | "require";
  readonly tlsOptions: ConnectionOptions;
  readonly sslNegotiation?: "postgres" | "direct" | undefined;
  readonly channelBinding: boolean;
  /** Session settings by lower-case name. They come from `options` and, for the search path, from `schema`. */
  readonly settings: Readonly<Record<string, string>>;
  /** `options` as written, when it holds more than settings. Managed Postgres names its endpoint there. */
  readonly startupOptions?: string | undefined;
}

const PERCENT = "write / # ? : @ and % in a name or password in percent-encoding";

/** Parameters of other programs, and what to write here instead. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  connection_limit: "set DATABASE_POOL_SIZE",
  pool_timeout: "leave it out",
  socket_timeout: "leave it out",
  statement_cache_size: "leave it out",
  pgbouncer: "leave it out: a pooler in session mode needs no parameter, and transaction mode does not work",
  sslaccept: "write sslmode=require or sslmode=verify-full",
  sslpassword: "leave it out, and store the key without a passphrase",
  currentschema: "write schema=NAME",
  search_path: "write schema=NAME",
};

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const;
const text = z.string().min(1, "is empty");
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .pipe(z.number().min(least).max(most, `must be a whole number from ${least} to ${most}`));
const oneOf = <const Values extends readonly [string, ...string[]]>(...values: Values) =>
  z.enum(values, `must be ${values.join(", ").replace(/, ([^,]*)$/, " or $1")}`);

const parametersSchema = z
  .strictObject({
    host: text,
    port: whole(1, 65_535),
    user: text,
    password: z.string(),
    dbname: text,
    schema: text.max(63, "is longer than the 63 bytes of a name"),
    options: z.string(),
    application_name: z.string(),
    connect_timeout: whole(0, 86_400),
    client_encoding: z.string().regex(/^(utf-?8|unicode|auto)$/i, "must be UTF8 or left out"),
    sslmode: oneOf(...SSL_MODES),
    ssl: oneOf("true", "false", "1", "0", "no-verify"),
    sslrootcert: text,
    sslcert: text,
    sslkey: text,
    sslnegotiation: oneOf("postgres", "direct"),
    sslsni: oneOf("1"),
    channel_binding: oneOf("disable", "prefer", "require"),
    gssencmode: oneOf("disable", "prefer"),
    target_session_attrs: oneOf("any", "read-write", "primary"),
    uselibpqcompat: oneOf("true"),
  })
  .partial();

type Parameters = z.output<typeof parametersSchema>;

/** What is wrong with a database URL. Each problem continues a sentence after `DATABASE_URL ` and quotes no value. */
export class DatabaseUrlProblems extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("; "));
  }
}

/**
 * Reads a database URL and the certificate files it names. libpq's environment variables (PGHOST, PGPORT, PGUSER,
 * PGDATABASE, PGSSLMODE, PGOPTIONS) fill in what the URL leaves out. The default host is localhost.
 *
 * @throws DatabaseUrlProblems
 */
export function readDatabaseUrl(value: string, env: NodeJS.ProcessEnv = process.env): DatabaseAddress {
  const url = parse(value);
  // A question mark in a password starts the query, so the @ after the password ends up in it.
  if (url.search.includes("@")) refuse(NO_URL);
  const parameters = readParameters(url.searchParams);
  const host = parameters.host ?? (decode(url.hostname.replace(/^\[(.*)\]$/, "$1")) || env.PGHOST);
  const database = parameters.dbname ?? (decode(url.pathname.slice(1)) || env.PGDATABASE);
  if (!database) refuse("names no database: write /NAME after the host");
  if (/[/@]/.test(database)) refuse(`has a database name with / or @ in it: ${PERCENT}`);
  if (host?.includes(",")) refuse(ONE_HOST);
  const options = readOptions(parameters.options ?? env.PGOPTIONS ?? "");
  const { schema } = parameters;
  const path = schema === undefined ? {} : { search_path: `"${schema.replaceAll('"', '""')}"` };
  return {
    host: host ?? "localhost",
    port: parameters.port ?? Number(url.port || env.PGPORT || 5432),
    user: parameters.user ?? (decode(url.username) || env.PGUSER || systemUser()),
    password: parameters.password ?? (decode(url.password) || undefined),
    database,
    applicationName: parameters.application_name,
    connectTimeoutMs: parameters.connect_timeout ? parameters.connect_timeout * 1000 : undefined,
    ...tlsOf(parameters, host ?? "localhost", env),
    sslNegotiation: parameters.sslnegotiation,
    channelBinding: parameters.channel_binding !== undefined && parameters.channel_binding !== "disable",
    ...options,
    settings: { ...options.settings, ...path },
  };
}

/** The text of a variable that holds a database URL. It has one issue for each problem. */
export const databaseUrl = z.string().check((read) => {
  try {
    readDatabaseUrl(read.value);
  } catch (error) {
    if (!(error instanceof DatabaseUrlProblems)) throw error;
    read.issues.push(...error.problems.map((message) => ({ code: "custom" as const, message, input: "" })));
  }
});

const NO_URL = `is not a URL: ${PERCENT}`;
const ONE_HOST = "names several hosts: write the primary's, or a name that always leads to the primary";

function parse(value: string): URL {
  const [, scheme, authority = ""] = /^(postgres(?:ql)?:\/\/)([^/?#]*)/.exec(value) ?? [];
  if (scheme === undefined) refuse("must start with postgresql://");
  if (authority.slice(authority.lastIndexOf("@") + 1).includes(",")) refuse(ONE_HOST);
  // libpq allows `user@/name?host=/folder`: a user without a host. The URL class refuses it.
  const whole = authority.endsWith("@") ? value.replace("@", "@localhost") : value;
  if (!URL.canParse(whole) || whole.includes("#")) refuse(NO_URL);
  return new URL(whole);
}

function readParameters(search: URLSearchParams): Parameters {
  const given = Object.fromEntries(search);
  const read = parametersSchema.safeParse(given);
  if (read.success) return read.data;
  const problems = read.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map(unknownParameter)
      : [`has a parameter ${issue.path.join(".")} that ${issue.message}`],
  );
  throw new DatabaseUrlProblems(problems);
}

function unknownParameter(name: string): string {
  const instead = REPLACEMENTS[name.toLowerCase()] ?? "leave it out (docs/databases.md lists the known ones)";
  return `has the unknown parameter ${name.slice(0, 40)}: ${instead}`;
}

/**
 * Splits `-c name=value` and `--name=value` as Postgres does. With anything else in it, the whole text goes to the
 * server.
 */
function readOptions(options: string): Pick<DatabaseAddress, "settings" | "startupOptions"> {
  const words = options.match(/(?:\\.|[^\s\\])+/gs)?.map((word) => word.replace(/\\(.)/gs, "$1")) ?? [];
  const settings: Record<string, string> = {};
  while (words.length > 0) {
    const word = words.shift() ?? "";
    const setting = word === "-c" ? words.shift() : /^(?:-c|--)(.*)$/s.exec(word)?.[1];
    const [, name, value] = /^([\w.-]+)=(.*)$/s.exec(setting ?? "") ?? [];
    if (name === undefined || value === undefined) return { settings: {}, startupOptions: options };
    settings[name.replaceAll("-", "_").toLowerCase()] = value;
  }
  return { settings };
}

function tlsOf(
  { ssl, sslrootcert, sslcert, sslkey, ...given }: Parameters,
  host: string,
  env: NodeJS.ProcessEnv,
): Pick<DatabaseAddress, "tls" | "tlsOptions"> {
  const ofSsl = ssl === undefined ? undefined : SSL_AS_MODE[ssl];
  const fromEnvironment = SSL_MODES.find((mode) => mode === env.PGSSLMODE);
  const mode = given.sslmode ?? ofSsl ?? fromEnvironment ?? (isLocal(host) ? "disable" : "prefer");
  if (mode === "disable" || host.startsWith("/")) {
    if (given.sslnegotiation === "direct")
      refuse("has sslnegotiation=direct: that needs sslmode=require, verify-ca or verify-full");
    return { tls: "disable", tlsOptions: {} };
  }
  if (mode === "verify-ca" && sslrootcert === undefined) {
    refuse("has sslmode=verify-ca without sslrootcert=FILE: name the file, or write sslmode=verify-full");
  }
  if ((sslcert === undefined) !== (sslkey === undefined)) refuse("needs both sslcert and sslkey, or neither");
  // `system` means the certificate authorities built into Node.
  const ca =
    sslrootcert === undefined || sslrootcert === "system" ? undefined : readFile("sslrootcert", sslrootcert);
  const files = {
    ...(ca !== undefined && { ca }),
    ...(sslcert !== undefined && { cert: readFile("sslcert", sslcert) }),
    ...(sslkey !== undefined && { key: readFile("sslkey", sslkey) }),
  };
  if (mode === "verify-full") return { tls: "require", tlsOptions: files };
  // As in libpq, `require` with a root certificate means `verify-ca`.
  if (mode === "verify-ca" || (mode === "require" && sslrootcert !== undefined)) {
    return { tls: "require", tlsOptions: { ...files, checkServerIdentity: () => undefined } };
  }
  const tls = mode === "prefer" || mode === "allow" ? "prefer" : "require";
  return { tls, tlsOptions: { ...files, rejectUnauthorized: false } };
}

const SSL_AS_MODE = {
  true: "verify-full",
  1: "verify-full",
  false: "disable",
  0: "disable",
  "no-verify": "no-verify",
} as const;

function isLocal(host: string): boolean {
  return host.startsWith("/") || isLoopback(host);
}

function readFile(parameter: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "unknown reason";
    return refuse(`has a parameter ${parameter} whose file cannot be read (${code})`);
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse(NO_URL);
  }
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return refuse("names no user: write USER@ before the host");
  }
}

function refuse(problem: string): never {
  throw new DatabaseUrlProblems([problem]);
}
