import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import type { ConnectionOptions } from "node:tls";
import { z } from "zod";
import { isLoopback } from "./host.js";

/** Where a Postgres is and how it is spoken to, with libpq's meaning of every parameter. */
export interface DatabaseAddress {
  /** A name, an IP address without brackets, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Undefined where the URL has none: then PGPASSWORD and ~/.pgpass are read. */
  readonly password?: string | undefined;
  readonly database: string;
  readonly applicationName?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** `prefer` encrypts when the server offers it. What is verified stands in `tlsOptions`. */
  readonly tls: "disable" | "prefer" | "require";
  readonly tlsOptions: ConnectionOptions;
  readonly sslNegotiation?: "postgres" | "direct" | undefined;
  readonly channelBinding: boolean;
  /** Settings of the session, by lower-case name: those of `options`, and the search path of `schema`. */
  readonly settings: Readonly<Record<string, string>>;
  /** What `options` holds besides settings, such as the endpoint of a managed Postgres. */
  readonly startupOptions?: string | undefined;
}

const PERCENT = "/ # ? : @ and % in a name or password are written in percent-encoding";

/** Parameters of other programs, and what says the same here. */
const INSTEAD: Readonly<Record<string, string>> = {
  connection_limit: "set DATABASE_POOL_SIZE",
  pool_timeout: "leave it out",
  socket_timeout: "leave it out",
  statement_cache_size: "leave it out",
  pgbouncer: "leave it out: by session a pooler works as it is, by transaction none works",
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

/** What is wrong with a database URL. Each problem goes on from `DATABASE_URL ` and holds no value of it. */
export class DatabaseUrlProblems extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("; "));
  }
}

/**
 * Reads a database URL and the certificates it names. What it leaves out is taken from libpq's environment variables
 * (PGHOST, PGPORT, PGUSER, PGDATABASE, PGSSLMODE, PGOPTIONS). Without a host it is the local one.
 *
 * @throws DatabaseUrlProblems
 */
export function readDatabaseUrl(value: string, env: NodeJS.ProcessEnv = process.env): DatabaseAddress {
  const url = parse(value);
  // A password with a question mark in it would make parameters of its rest.
  if (url.search.includes("@")) refuse(`is no URL: ${PERCENT}`);
  const parameters = readParameters(url.searchParams);
  const host = parameters.host ?? (decode(url.hostname.replace(/^\[(.*)\]$/, "$1")) || env.PGHOST);
  const database = parameters.dbname ?? (decode(url.pathname.slice(1)) || env.PGDATABASE);
  if (!database) refuse("names no database: write /NAME behind the host");
  if (/[/@]/.test(database)) refuse(`names no database that can be read: ${PERCENT}`);
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

const ONE_HOST = "names several hosts: write the one that takes writes, or a name that always leads to it";

function parse(value: string): URL {
  const [, scheme, authority = ""] = /^(postgres(?:ql)?:\/\/)([^/?#]*)/.exec(value) ?? [];
  if (scheme === undefined) refuse("must start with postgresql://");
  if (authority.slice(authority.lastIndexOf("@") + 1).includes(",")) refuse(ONE_HOST);
  // `user@/name` has a user and no host, which the socket of `?host=/folder` needs and URL does not take.
  const whole = authority.endsWith("@") ? value.replace("@", "@localhost") : value;
  if (!URL.canParse(whole) || whole.includes("#")) refuse(`is no URL: ${PERCENT}`);
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
  const instead = INSTEAD[name.toLowerCase()] ?? "leave it out, or see the README for those that are";
  return `has the parameter ${name.slice(0, 40)}, which is not taken: ${instead}`;
}

/** Cuts `-c name=value` and `--name=value` apart as Postgres does. Anything else is left to the server as it is. */
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
      refuse("has sslnegotiation=direct, which needs sslmode=require or more");
    return { tls: "disable", tlsOptions: {} };
  }
  if (mode === "verify-ca" && sslrootcert === undefined) {
    refuse("has sslmode=verify-ca without sslrootcert=FILE: name the file, or write sslmode=verify-full");
  }
  if ((sslcert === undefined) !== (sslkey === undefined)) refuse("needs both sslcert and sslkey, or neither");
  // `system`: the certificate authorities that Node brings.
  const ca =
    sslrootcert === undefined || sslrootcert === "system" ? undefined : readFile("sslrootcert", sslrootcert);
  const files = {
    ...(ca !== undefined && { ca }),
    ...(sslcert !== undefined && { cert: readFile("sslcert", sslcert) }),
    ...(sslkey !== undefined && { key: readFile("sslkey", sslkey) }),
  };
  if (mode === "verify-full") return { tls: "require", tlsOptions: files };
  // As in libpq, a root certificate makes verify-ca of require.
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
    return refuse(`is no URL: ${PERCENT}`);
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
