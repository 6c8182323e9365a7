import { expect, test } from "vitest";
import { DatabaseUrlProblems, readDatabaseUrl } from "../../src/config/database-url.js";

const CERTIFICATE = new URL("../../package.json", import.meta.url).pathname;
const env = { PGUSER: "envuser" };

test.each<[string, object]>([
  ["postgresql://salon@db/salon", { host: "db", port: 5432, user: "salon", database: "salon", settings: {} }],
  [
    "postgres://salon:p%23s%2F%40s%25@db:5433/sa%20lon",
    { port: 5433, password: "p#s/@s%", database: "sa lon" },
  ],
  ["postgresql://salon:p@ss:word@db/salon", { host: "db", password: "p@ss:word" }],
  ["postgresql://[::1]:5433/salon", { host: "::1", user: "envuser", tls: "disable" }],
  ["postgresql:///salon?host=/run/postgresql&port=5433", { host: "/run/postgresql", port: 5433 }],
  ["postgresql://salon@/salon?host=/run/postgresql", { host: "/run/postgresql", user: "salon" }],
  ["postgresql://%2Frun%2Fpostgresql/salon", { host: "/run/postgresql", tls: "disable" }],
  ["postgresql://db/?dbname=salon&user=u&password=p", { database: "salon", user: "u", password: "p" }],
  [
    "postgresql://db/salon?application_name=a%20b&connect_timeout=9",
    { applicationName: "a b", connectTimeoutMs: 9000 },
  ],
  [
    "postgresql://db/salon?connect_timeout=0&target_session_attrs=read-write",
    { connectTimeoutMs: undefined },
  ],
  ["postgresql://db/salon?client_encoding=utf8", { host: "db" }],
  ["postgresql://db/salon?schema=My%22Schema", { settings: { search_path: '"My""Schema"' } }],
  [
    "postgresql://db/salon?options=-c%20search_path%3Dx,y%20--work-mem=1MB%20-cTimeZone%3DA\\%20B",
    { settings: { search_path: "x,y", work_mem: "1MB", timezone: "A B" } },
  ],
  ["postgresql://db/salon?options=endpoint%3Dep-1", { settings: {}, startupOptions: "endpoint=ep-1" }],
  ["postgresql://db/salon", { tls: "prefer", tlsOptions: { rejectUnauthorized: false } }],
  ["postgresql://127.0.0.1/salon", { tls: "disable" }],
  ["postgresql://127.0.0.1/salon?sslmode=prefer", { tls: "prefer" }],
  ["postgresql://db/salon?sslmode=disable", { tls: "disable" }],
  ["postgresql://db/salon?sslmode=require", { tls: "require", tlsOptions: { rejectUnauthorized: false } }],
  ["postgresql://db/salon?sslmode=no-verify", { tls: "require", tlsOptions: { rejectUnauthorized: false } }],
  [
    "postgresql://db/salon?uselibpqcompat=true&sslmode=require",
    { tlsOptions: { rejectUnauthorized: false } },
  ],
  ["postgresql://db/salon?sslmode=verify-full", { tls: "require", tlsOptions: {} }],
  ["postgresql://db/salon?sslmode=verify-full&sslrootcert=system", { tls: "require", tlsOptions: {} }],
  ["postgresql://db/salon?ssl=true", { tls: "require", tlsOptions: {} }],
  [
    `postgresql://db/salon?sslmode=verify-ca&sslrootcert=${CERTIFICATE}`,
    { tlsOptions: { ca: expect.any(String), checkServerIdentity: expect.any(Function) } },
  ],
  [
    `postgresql://db/salon?sslmode=require&sslrootcert=${CERTIFICATE}`,
    { tlsOptions: { ca: expect.any(String), checkServerIdentity: expect.any(Function) } },
  ],
  ["postgresql:///salon?host=/run/postgresql&sslmode=require", { tls: "disable" }],
  [
    "postgresql://u:p@ep-1-pooler.neon.tech/db?sslmode=require&channel_binding=require",
    { channelBinding: true },
  ],
])("%s is read as libpq reads it", (url, expected) => {
  expect(readDatabaseUrl(url, env)).toMatchObject(expected);
});

test.each<[string, RegExp]>([
  ["mysql://salon:sesame@db/salon", /^must start with postgresql:/],
  ["postgresql+asyncpg://salon:sesame@db/salon", /^must start with postgresql:/],
  ["postgresql://salon:ses#ame@db/salon", /percent-encoding$/],
  ["postgresql://salon:ses?ame@db/salon", /percent-encoding$/],
  ["postgresql://salon:1?sesame&x@db/salon", /percent-encoding$/],
  ["postgresql://salon:1/sesame@db/salon", /percent-encoding$/],
  ["postgresql://salon:ses%ame@db/salon", /percent-encoding$/],
  ["postgresql://db:99999/salon", /percent-encoding$/],
  ["postgresql://db", /^names no database: write \/NAME/],
  ["postgresql://db/?sslmode=require", /^names no database/],
  ["postgresql://a:5432,b:5432/salon", /^names several hosts: write the primary/],
  ["postgresql:///salon?host=a,b", /^names several hosts/],
  [
    "postgresql://db/salon?sslmode=verify_full",
    /sslmode that must be disable, allow, prefer, require, verify-ca/,
  ],
  [
    "postgresql://db/salon?sslmode=verify-ca",
    /without sslrootcert=FILE: name the file, or write sslmode=verify-f/,
  ],
  [
    "postgresql://db/salon?sslmode=verify-full&sslrootcert=/none/ca.pem",
    /sslrootcert whose file cannot be read \(EN/,
  ],
  ["postgresql://db/salon?sslmode=require&sslcert=/none/me.pem", /^needs both sslcert and sslkey/],
  ["postgresql://db/salon?sslnegotiation=direct&sslmode=disable", /needs sslmode=require/],
  ["postgresql://db/salon?client_encoding=latin1", /client_encoding that must be UTF8 or left out/],
  ["postgresql://db/salon?connect_timeout=soon", /connect_timeout that must be a whole number from 0/],
  ["postgresql://db/salon?target_session_attrs=standby", /must be any, read-write or primary/],
  ["postgresql://db/salon?connection_limit=5", /unknown parameter connection_limit: set DATABASE_POOL_SIZE/],
  ["postgresql://db/salon?pgbouncer=true", /unknown parameter pgbouncer: leave it out/],
  ["postgresql://db/salon?sslaccept=strict", /write sslmode=/],
  ["postgresql://db/salon?currentSchema=x", /write schema=NAME/],
  ["postgresql://db/salon?max=1", /^has the unknown parameter max: leave it out/],
  ["postgresql://db/salon?schema=", /schema that is empty/],
])("%s is refused in one line without a value", (url, message) => {
  const problems = problemsOf(url);
  expect(problems).toEqual([expect.stringMatching(message)]);
  expect(problems.join()).not.toContain("sesame");
});

test("a URL that names no host or user takes libpq's environment variables", () => {
  const other = { PGHOST: "pg.example", PGPORT: "6000", PGUSER: "u", PGDATABASE: "d", PGSSLMODE: "require" };
  expect(readDatabaseUrl("postgresql://", { ...other, PGOPTIONS: "-c geqo=off" })).toMatchObject({
    ...{
      host: "pg.example",
      port: 6000,
      user: "u",
      database: "d",
      tls: "require",
      settings: { geqo: "off" },
    },
  });
});

function problemsOf(url: string): readonly string[] {
  try {
    readDatabaseUrl(url, env);
  } catch (error) {
    if (error instanceof DatabaseUrlProblems) return error.problems;
    throw error;
  }
  return [];
}
