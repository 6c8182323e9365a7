import { expect, test } from "vitest";
import { type Config, loadConfig, type ServeConfig } from "../src/config.js";
import { ConfigurationError } from "../src/errors.js";

const KEY = Buffer.alloc(32, 7).toString("base64");
const enough = {
  SQUARE_WEBHOOK_SIGNATURE_KEY: "k1",
  SQUARE_WEBHOOK_NOTIFICATION_URL: "https://salon.example/webhooks/square",
};

const serve = (env: NodeJS.ProcessEnv = {}): ServeConfig =>
  loadConfig({ ...enough, ...env }, { require: "serve" });
const command = (env: NodeJS.ProcessEnv = {}): Config => loadConfig(env, { require: "command" });

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

test("with the two required variables, the others have their documented defaults", () => {
  expect(serve()).toEqual({
    database: { dataDir: "./.regulars", poolSize: 10 },
    host: "127.0.0.1",
    port: 3000,
    webhook: { signatureKeys: ["k1"], notificationUrl: "https://salon.example/webhooks/square" },
    notificationUrl: "https://salon.example/webhooks/square",
    square: { environment: "production" },
    reconcileSchedule: "0 * * * *",
    retention: { eventDays: 90, payloadDays: 90 },
    logLevel: "info",
  });
});

test("a replica's URL passes the same checks as the primary's, and needs the primary's", () => {
  const [DATABASE_URL, DATABASE_READ_URL] = ["postgresql://primary/salon", "postgresql://replica/salon"];
  expect(command({ DATABASE_URL, DATABASE_READ_URL }).database.readUrl).toBe(DATABASE_READ_URL);
  expect(problemsOf(() => command({ DATABASE_READ_URL }))).toEqual([
    "DATABASE_READ_URL needs DATABASE_URL, the primary of that replica",
  ]);
  expect(problemsOf(() => command({ DATABASE_URL, DATABASE_READ_URL: "replica:5432/salon" }))).toEqual([
    expect.stringMatching(/^DATABASE_READ_URL must start with postgresql:/),
  ]);
  expect(problemsOf(() => command({ DATABASE_URL, DATABASE_READ_URL_FILE: "/nowhere" }))).toEqual([
    "DATABASE_READ_URL_FILE names a file that cannot be read (ENOENT)",
  ]);
});

test("a command needs nothing set", () => {
  expect(command().webhook).toBeUndefined();
});

test("everything that is wrong is said at once, and in a form people can read", () => {
  const load = () =>
    loadConfig(
      {
        DATABASE_URL: "mysql://salon@db/salon",
        PORT: "70000",
        SQUARE_WEBHOOK_NOTIFICATION_URL: "salon.example/webhooks",
        SQUARE_ENVIRONMENT: "staging",
        SQUARE_ACCESS_TOKEN: "EAAA-token",
        EVENT_RETENTION_DAYS: "34",
        LOG_LEVEL: "loud",
      },
      { require: "serve" },
    );
  expect(load).toThrow(/^The configuration has 9 problems:\n {2}- DATABASE_URL must start with postgresql:/);
  expect(problemsOf(load).map((problem) => problem.split(" ")[0])).toEqual([
    "DATABASE_URL",
    "PORT",
    "SQUARE_WEBHOOK_NOTIFICATION_URL",
    "SQUARE_ENVIRONMENT",
    "EVENT_RETENTION_DAYS",
    "LOG_LEVEL",
    "SQUARE_WEBHOOK_SIGNATURE_KEY",
    "SQUARE_MERCHANT_ID",
    "TOKEN_ENCRYPTION_KEY",
  ]);
});

test("an empty value is an unset one", () => {
  expect(command({ PORT: "", HOST: "  ", CRON_SECRET: "", DATABASE_URL: "" })).toEqual(command());
  expect(problemsOf(() => serve({ SQUARE_WEBHOOK_SIGNATURE_KEY: "" }))).toHaveLength(1);
});

test.each(["false", "undefined", "null", "False", "[object Object]"])(
  "the text %s is no secret",
  (accident) => {
    for (const name of ["CRON_SECRET", "ADMIN_API_KEY", "SQUARE_MERCHANT_ID", "TOKEN_ENCRYPTION_KEY"]) {
      expect(problemsOf(() => command({ [name]: accident }))).toEqual([expect.stringContaining(name)]);
    }
    expect(problemsOf(() => serve({ SQUARE_WEBHOOK_SIGNATURE_KEY: `good,${accident}` }))).toHaveLength(1);
  },
);

test("a key that no Authorization header can carry is refused at the start", () => {
  for (const name of ["CRON_SECRET", "ADMIN_API_KEY"]) {
    for (const key of ["two words", "a\tb", "schlüssel"]) {
      expect(problemsOf(() => command({ [name]: key }))).toEqual([expect.stringContaining(name)]);
    }
    expect(() => command({ [name]: "Zm9v+/==~_-.!" })).not.toThrow();
  }
});

test("no problem repeats a value", () => {
  const value = "hunter2-hunter2";
  const env = Object.fromEntries(
    [
      "DATABASE_URL",
      "PORT",
      "TOKEN_ENCRYPTION_KEY",
      "LOG_LEVEL",
      "SQUARE_BASE_URL",
      "EVENT_RETENTION_DAYS",
    ].map((name) => [name, value]),
  );
  const problems = problemsOf(() => command({ ...env, SQUARE_ACCESS_TOKEN: value }));
  expect(problems.length).toBeGreaterThan(6);
  expect(problems.join()).not.toContain(value);
});

test("several signature keys are taken while rotating, empty ones never", () => {
  expect(serve({ SQUARE_WEBHOOK_SIGNATURE_KEY: " k1 , k2,," }).webhook.signatureKeys).toEqual(["k1", "k2"]);
  expect(problemsOf(() => serve({ SQUARE_WEBHOOK_SIGNATURE_KEY: " , " }))).toHaveLength(1);
});

test("the notification URL is kept byte by byte, and must be a whole web address", () => {
  const odd = "HTTPS://Salon.example:443/a/../b?x=%41&y";
  expect(serve({ SQUARE_WEBHOOK_NOTIFICATION_URL: odd }).webhook.notificationUrl).toBe(odd);
  const stored = " https://salon.example/hook\n";
  expect(serve({ SQUARE_WEBHOOK_NOTIFICATION_URL: stored }).webhook.notificationUrl).toBe(stored.trim());
  for (const wrong of [
    "/webhooks",
    "ftp://salon.example",
    "https://salon.example/a b",
    "http://salon.example/webhooks",
    "https://",
  ]) {
    expect(problemsOf(() => serve({ SQUARE_WEBHOOK_NOTIFICATION_URL: wrong }))).toHaveLength(1);
  }
});

test("the encryption key is exactly 32 bytes of base64", () => {
  expect(command({ TOKEN_ENCRYPTION_KEY: KEY }).tokenEncryptionKey).toEqual(Buffer.alloc(32, 7));
  const bytes = Buffer.alloc(32, 0xfb);
  for (const form of ["base64", "base64url"] as const) {
    expect(command({ TOKEN_ENCRYPTION_KEY: `${bytes.toString(form)}\n` }).tokenEncryptionKey).toEqual(bytes);
  }
  for (const wrong of [
    `${KEY}AA`,
    Buffer.alloc(31).toString("base64"),
    "a".repeat(64),
    `${KEY.slice(0, 20)}\n${KEY.slice(20)}`,
  ]) {
    expect(problemsOf(() => command({ TOKEN_ENCRYPTION_KEY: wrong }))).toHaveLength(1);
  }
});

test("an access token needs its merchant and the key that encrypts it; a merchant alone is fine", () => {
  expect(problemsOf(() => command({ SQUARE_ACCESS_TOKEN: "EAAA" }))).toHaveLength(2);
  expect(command({ SQUARE_MERCHANT_ID: "M1" }).square.merchantId).toBe("M1");
  const whole = { SQUARE_ACCESS_TOKEN: "EAAA", SQUARE_MERCHANT_ID: "M1", TOKEN_ENCRYPTION_KEY: KEY };
  expect(command(whole).square).toEqual({ environment: "production", accessToken: "EAAA", merchantId: "M1" });
});

test.each([
  ["PORT", "-1", /must be a whole number from 0 to 65535/],
  ["PORT", "'3000'", /is in quotes/],
  ["HOST", "http://0.0.0.0", /must be a name or an address alone/],
  ["HOST", "0.0.0.0:3000", /must be a name or an address alone/],
  ["HOST", "[::1]", /without scheme, port or brackets/],
  ["CRON_SECRET", '"0123456789abcdef01234567"', /is in quotes.*docker --env-file/],
  ["SQUARE_WEBHOOK_SIGNATURE_KEY", "\u201ck1\u201d", /is in quotes/],
  ["SQUARE_WEBHOOK_SIGNATURE_KEY", "k1 # the new one", /holds a comment/],
  ["SQUARE_WEBHOOK_SIGNATURE_KEY", "k\u200b1", /invisible character/],
  ["ADMIN_API_KEY", "$KEY", /is a placeholder/],
  ["SQUARE_MERCHANT_ID", "<merchant id>", /is a placeholder/],
  ["RECONCILE_SCHEDULE", "@hourly", /such as 0 \* \* \* \*, or off$/],
  ["DATABASE_URL", "postgresql://db", /names no database/],
  ["EVENT_RETENTION_DAYS", "-90", /whole number/],
])("%s=%s is refused in one line that says what to write", (name, value, message) => {
  expect(problemsOf(() => serve({ [name]: value }))).toEqual([expect.stringMatching(message)]);
});

test("the schedule is a cron expression or off", () => {
  for (const RECONCILE_SCHEDULE of ["off", "*/15 * * * *", "0 5,17 * * MON-FRI", "30 0 * * * *"]) {
    expect(command({ RECONCILE_SCHEDULE }).reconcileSchedule).toBe(RECONCILE_SCHEDULE);
  }
  for (const RECONCILE_SCHEDULE of ["hourly", "0 * * *", "0 0 0 * * * *", "0 * * * ;"]) {
    expect(problemsOf(() => command({ RECONCILE_SCHEDULE }))).toHaveLength(1);
  }
});

test("whole numbers are whole, and within their bounds", () => {
  for (const PORT of ["0", "65535"]) expect(command({ PORT }).port).toBe(Number(PORT));
  for (const PORT of ["65536", "-1", "3000.5", "3e3", "0x10", "80 80", "9".repeat(30)]) {
    expect(problemsOf(() => command({ PORT }))).toHaveLength(1);
  }
  expect(command({ EVENT_RETENTION_DAYS: "35" }).retention).toEqual({ eventDays: 35, payloadDays: 35 });
});

test("a key shorter than 24 characters is refused where other machines reach the server, and only there", () => {
  const keys = { ADMIN_API_KEY: "k".repeat(23), CRON_SECRET: "short" };
  for (const HOST of ["0.0.0.0", "::", "192.0.2.1", "regulars.example", "127.0.0.1.example"]) {
    const problems = problemsOf(() => serve({ ...keys, HOST }));
    expect(
      problems.map((problem) => problem.split(" ")[0]),
      HOST,
    ).toEqual(Object.keys(keys));
    expect(problems.join()).not.toMatch(/kkk|short,/);
    expect(problemsOf(() => serve({ HOST, ADMIN_API_KEY: "k".repeat(24) }))).toEqual([]);
  }
  for (const HOST of ["", "127.0.0.1", "127.8.9.10", "::1", "localhost", "LocalHost"]) {
    expect(
      problemsOf(() => serve({ ...keys, HOST })),
      HOST,
    ).toEqual([]);
  }
  expect(
    problemsOf(() => command({ ...keys, HOST: "0.0.0.0" })),
    "a command does not listen",
  ).toEqual([]);
});

test("connecting sellers needs the application's id and secret, the token key, and an address to come back to", () => {
  const application = { SQUARE_APPLICATION_ID: "sq0idp-1", SQUARE_APPLICATION_SECRET: "sq0csp-1" };
  const all = { ...application, TOKEN_ENCRYPTION_KEY: KEY };
  const redirectUrl = "https://salon.example/connect/square/callback";
  const expected = { id: "sq0idp-1", secret: "sq0csp-1", redirectUrl };
  expect(serve(all).square.application).toEqual(expected);
  const elsewhere = { ...all, SQUARE_OAUTH_REDIRECT_URL: "https://other.example/back" };
  expect(serve(elsewhere).square.application?.redirectUrl).toBe("https://other.example/back");
  const first = (env: NodeJS.ProcessEnv) => problemsOf(() => command(env)).map((one) => one.split(" ")[0]);
  expect(first({ SQUARE_APPLICATION_ID: "sq0idp-1" })).toEqual([
    "SQUARE_APPLICATION_SECRET",
    "TOKEN_ENCRYPTION_KEY",
    "SQUARE_OAUTH_REDIRECT_URL",
  ]);
  expect(first({ ...all, SQUARE_OAUTH_REDIRECT_URL: "http://salon.example/back" })).toEqual([
    "SQUARE_OAUTH_REDIRECT_URL",
  ]);
});
