import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/database/database.js";
import { requireUsableDatabase } from "../../src/operations/database-checks.js";
import { begin } from "../support/begin.js";
import { skipUnlessRequired } from "../support/skip.js";
import { PrivateCluster, whyNoCluster } from "../torture/crash/private-cluster.js";

/** Databases as people have them. The file has a Postgres of its own, so it may change roles and settings. */
const reason = await whyNoCluster();

let cluster: PrivateCluster;
let certificates = "";
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  if (reason) return;
  certificates = await mkdtemp(path.join(tmpdir(), "regulars-certificates-"));
  cluster = await PrivateCluster.make();
  cleanUp.push(
    () => rm(certificates, { recursive: true }),
    () => cluster.remove(),
  );
  const [key, certificate] = [file("key.pem"), file("ca.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  await openssl("req", "-x509", "-days", "2", ...newKey, "-keyout", key, "-out", certificate, ...names);
  const request = file("client.csr");
  await openssl("req", ...newKey, "-keyout", file("client.key"), "-out", request, "-subj", "/CN=certified");
  const authority = ["-CA", certificate, "-CAkey", key, "-CAcreateserial", "-days", "2"];
  await openssl("x509", "-req", "-in", request, "-out", file("client.pem"), ...authority);
  await cluster.encrypt(certificate, key);
  await cluster.stopImmediately();
  await cluster.start();
});

afterAll(async () => {
  for (const end of cleanUp.reverse()) await end();
});

beforeEach((context) => skipUnlessRequired(context, reason));

const file = (name: string) => path.join(certificates, name);

async function openssl(...parameters: string[]): Promise<void> {
  await promisify(execFile)("openssl", parameters);
}

async function asAdmin(...statements: string[]): Promise<void> {
  const admin = new pg.Client(cluster.url);
  await admin.connect();
  for (const statement of statements) await admin.query(statement);
  await admin.end();
}

interface Form {
  readonly promise: string;
  /** Statements that a superuser runs first. DB stands for the form's own database. */
  readonly given?: readonly string[];
  readonly encoding?: string;
  /** PORT, DB, FOLDER, CA and CLIENT are filled in. */
  readonly url?: string;
  /** The schema of the tables, or the refusal. */
  readonly outcome: string | RegExp;
  readonly encrypted?: boolean;
}

const ROLE = "postgresql://DB_role@127.0.0.1:PORT/DB";
const role = (...settings: string[]) => [
  "create role DB_role login",
  "grant create on database DB to DB_role",
  ...settings.map((setting) => `alter role DB_role set ${setting}`),
];

const forms: readonly Form[] = [
  { promise: "a plain address works in public", outcome: "public" },
  {
    promise: "options may name the schema",
    given: ["create schema regulars"],
    url: "postgresql://postgres@127.0.0.1:PORT/DB?options=-c%20search_path%3Dregulars",
    outcome: "regulars",
  },
  {
    promise: "schema=NAME, Prisma's way, names the schema, whatever it is called",
    given: ['create schema "My Salon"'],
    url: "postgresql://postgres@127.0.0.1:PORT/DB?schema=My%20Salon",
    outcome: "My Salon",
  },
  {
    promise: "a role's default schema is used",
    given: [...role("search_path = elsewhere"), "create schema elsewhere authorization DB_role"],
    url: ROLE,
    outcome: "elsewhere",
  },
  {
    promise: "a schema that is not there is refused",
    url: "postgresql://postgres@127.0.0.1:PORT/DB?schema=none",
    outcome:
      /^The search path "?none"? has no existing schema .*: run create schema NAME authorization postgres, or write schema=/,
  },
  {
    promise: "a role that may not create is refused",
    given: role(),
    url: ROLE,
    outcome:
      /^Migrations are pending, and role \w+ may not create tables in schema public: run migrate as the owner, or grant/,
  },
  {
    promise: "LATIN1 is refused",
    encoding: "LATIN1",
    outcome: /encoding LATIN1, .*encoding 'UTF8' template template0/,
  },
  {
    promise: "SQL_ASCII is refused",
    encoding: "SQL_ASCII",
    outcome: /has the encoding SQL_ASCII, which cannot hold/,
  },
  {
    promise: "a read-only role is refused",
    given: [...role("default_transaction_read_only = on"), "alter schema public owner to DB_role"],
    url: ROLE,
    outcome: /^default_transaction_read_only is on for role \w+ in database/,
  },
  {
    promise: "hostile settings of a role do not matter",
    given: [
      ...role(
        "statement_timeout = 20",
        "lock_timeout = 1",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = sql_standard",
      ),
      ...["timezone = 'Asia/Tokyo'", "bytea_output = escape", "standard_conforming_strings = off"].map(
        (setting) => `alter role DB_role set ${setting}`,
      ),
      ...[
        "synchronous_commit = off",
        "array_nulls = off",
        "client_encoding = latin1",
        "idle_session_timeout = 1000",
      ].map((setting) => `alter role DB_role set ${setting}`),
      ...[
        "default_transaction_isolation = serializable",
        "extra_float_digits = -15",
        "plan_cache_mode = auto",
      ].map((setting) => `alter role DB_role set ${setting}`),
      "alter schema public owner to DB_role",
    ],
    url: ROLE,
    outcome: "public",
  },
  {
    promise: "an unknown database is named",
    url: "postgresql://postgres@127.0.0.1:PORT/none",
    outcome: /"none" does not exist\. Create it/,
  },
  {
    promise: "an unknown role is named",
    url: "postgresql://nobody@127.0.0.1:PORT/DB",
    outcome: /role "nobody" does not exist/,
  },
  {
    promise: "an unknown host is named",
    url: "postgresql://postgres@none.invalid:PORT/DB",
    outcome: /host is unknown \(.*none\.invalid/,
  },
  {
    promise: "a closed port is named",
    url: "postgresql://postgres@127.0.0.1:1/DB",
    outcome: /connect ECONNREFUSED 127\.0\.0\.1:1/,
  },
  {
    promise: "a missing socket is named",
    url: "postgresql:///DB?host=/none",
    outcome: /connect ENOENT \/none/,
  },
  {
    promise: "a Unix socket works",
    url: "postgresql://postgres@/DB?host=FOLDER&port=PORT",
    outcome: "public",
  },
  {
    promise: "sslmode=require takes a self-signed certificate",
    url: "postgresql://postgres@127.0.0.1:PORT/DB?sslmode=require",
    outcome: "public",
    encrypted: true,
  },
  {
    promise: "sslmode=prefer encrypts",
    url: "postgresql://postgres@127.0.0.1:PORT/DB?sslmode=prefer",
    outcome: "public",
    encrypted: true,
  },
  {
    promise: "sslmode=disable works",
    url: "postgresql://postgres@127.0.0.1:PORT/DB?sslmode=disable",
    outcome: "public",
  },
  {
    promise: "uselibpqcompat is what is done anyway",
    url: "postgresql://postgres@127.0.0.1:PORT/DB?uselibpqcompat=true&sslmode=require&channel_binding=require",
    outcome: "public",
    encrypted: true,
  },
  {
    promise: "verify-full refuses a certificate that nobody vouches for",
    url: "postgresql://postgres@localhost:PORT/DB?sslmode=verify-full",
    outcome:
      /certificate is not trusted \(self-signed certificate\)\. Write into DATABASE_URL: sslrootcert=FILE .* or sslmode=require/,
  },
  {
    promise: "verify-full takes its own authority",
    url: "postgresql://postgres@localhost:PORT/DB?sslmode=verify-full&sslrootcert=CA",
    outcome: "public",
    encrypted: true,
  },
  {
    promise: "verify-full refuses another host's certificate",
    url: "postgresql://postgres@127.0.0.1:PORT/DB?sslmode=verify-full&sslrootcert=CA",
    outcome: /certificate is for another host: name that host in DATABASE_URL, or write sslmode=verify-ca/,
  },
  {
    promise: "verify-ca does not look at the host",
    url: "postgresql://postgres@127.0.0.1:PORT/DB?sslmode=verify-ca&sslrootcert=CA",
    outcome: "public",
    encrypted: true,
  },
  {
    promise: "sslcert and sslkey sign in with a client certificate",
    given: [
      "create role certified login",
      "grant create on database DB to certified",
      "create schema certified authorization certified",
    ],
    url: "postgresql://certified@127.0.0.1:PORT/DB?sslmode=verify-ca&sslrootcert=CA&sslcert=CLIENT.pem&sslkey=CLIENT.key",
    outcome: "certified",
    encrypted: true,
  },
  {
    promise: "a role that must show a certificate is told so",
    given: ["do $$ begin create role certified login; exception when duplicate_object then null; end $$"],
    url: "postgresql://certified@127.0.0.1:PORT/DB?sslmode=require",
    outcome: /client certificate/,
  },
  {
    promise: "a root certificate that is none is refused",
    url: "postgresql://postgres@localhost:PORT/DB?sslmode=verify-full&sslrootcert=/etc/hostname",
    outcome: /certificate is not trusted|cannot be encrypted/,
  },
];

describe("a database as people have it works, or is refused in one line before anything is made", () => {
  test.each(forms.map((form, index) => ({ ...form, name: `form${index}` })))(
    "$promise",
    async ({
      name,
      given = [],
      encoding = "UTF8",
      url = "postgresql://postgres@127.0.0.1:PORT/DB",
      outcome,
      encrypted: expected = false,
    }) => {
      await asAdmin(
        `create database ${name} encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`,
      );
      const here = new pg.Client(cluster.url.replace(/\w+$/, name));
      await here.connect();
      for (const statement of given) await here.query(statement.replaceAll("DB", name));
      const filled = url
        .replaceAll("DB", name)
        .replace("PORT", String(cluster.port))
        .replace("FOLDER", cluster.folder)
        .replace("CA", file("ca.pem"))
        .replaceAll("CLIENT", file("client"));
      const { schema, encrypted, refusal } = await begin(filled);
      const { rows } = await here.query(
        "select distinct schemaname from pg_tables where tablename = 'bookings'",
      );
      await here.end();
      if (typeof outcome === "string") {
        expect({ schema, encrypted, refusal, tables: rows }).toEqual({
          schema: outcome,
          encrypted: expected,
          tables: [{ schemaname: outcome }],
        });
      } else {
        expect(refusal).toMatch(outcome);
        expect(refusal).not.toContain("\n");
        expect(rows).toEqual([]);
      }
    },
    60_000,
  );

  test("two installations in two schemas of one database do not disturb each other", async () => {
    await asAdmin("create database two");
    const url = (schema: string) => `${cluster.url.replace(/\w+$/, "two")}?schema=${schema}`;
    const admin = new pg.Client(cluster.url.replace(/\w+$/, "two"));
    await admin.connect();
    await admin.query("create schema one; create schema other");
    await admin.end();
    expect(await Promise.all([begin(url("one")), begin(url("other"))])).toMatchObject([
      { schema: "one" },
      { schema: "other" },
    ]);
    const [one, other] = await Promise.all(
      ["one", "other"].map((schema) =>
        openDatabase({ databaseUrl: url(schema), dataDir: "", role: "command" }),
      ),
    );
    const both = await one?.exclusively("sweep", async () => other?.exclusively("sweep", async () => "both"));
    await Promise.all([one?.close(), other?.close()]);
    expect(both).toBe("both");
    const path = url("one").replace("schema=one", "options=-c%20search_path%3Dpublic,one");
    expect((await begin(path)).refusal).toMatch(
      /^The tables are in schema one, .*Write schema=one into DATABASE_URL/,
    );
  });

  test.each(["prefer", "allow"])(
    "sslmode=%s works with a server without TLS",
    async (mode) => {
      await asAdmin(`create database plain_${mode}`);
      const url = `postgresql://postgres@127.0.0.1:${await withoutTls()}/plain_${mode}?sslmode=${mode}`;
      expect(await begin(url)).toEqual({ schema: "public", encrypted: false });
    },
    60_000,
  );

  test("sslmode=require with a server without TLS says what to write", async () => {
    const url = `postgresql://postgres@127.0.0.1:${await withoutTls()}/postgres?sslmode=require`;
    expect((await begin(url)).refusal).toBe(
      "The database does not encrypt: write sslmode=prefer or sslmode=disable into DATABASE_URL.",
    );
  });

  test("a session that does not keep its settings is refused with their names", async () => {
    await asAdmin("create database forgetful", "alter database forgetful set datestyle = 'SQL, DMY'");
    const url = cluster.url.replace(/\w+$/, "forgetful");
    const database = await openDatabase({ databaseUrl: url, dataDir: "", role: "server", poolSize: 2 });
    cleanUp.push(() => database.close());
    // Its connections are not set up, as behind a pooler that resets them.
    const pool = new pg.Pool({ connectionString: url });
    cleanUp.push(() => pool.end());
    await expect(requireUsableDatabase({ ...database, pool }, { writes: true })).rejects.toThrow(
      /^A session does not keep its settings: .*DateStyle is SQL, DMY instead of ISO, MDY.*: connect to Postgres directly/,
    );
  });
});

/** The port of a server that answers like the cluster, except that it does not offer TLS. */
async function withoutTls(): Promise<number> {
  const plain = net.createServer((socket) => {
    socket.once("data", (first) => {
      const wantsTls = first.length === 8 && first.readInt32BE(4) === 80877103;
      if (wantsTls) socket.write("N");
      const server = net.connect(cluster.port, "127.0.0.1");
      if (!wantsTls) server.write(first);
      for (const end of [socket, server]) end.on("error", () => {});
      socket.pipe(server).pipe(socket);
    });
  });
  await once(plain.listen(0, "127.0.0.1"), "listening");
  cleanUp.push(() => plain.close());
  return (plain.address() as net.AddressInfo).port;
}
