import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, beforeEach, expect, test } from "vitest";
import { type Database, openDatabase } from "../../src/database/database.js";
import {
  ADMIN_KEY,
  addSalon,
  type Headers,
  openTestApp,
  signed,
  type TestApp,
  testConfig,
} from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bodyOf, customerEvent, paymentEvent, squareEvent } from "../support/events.js";
import { storedEvents } from "../support/tables.js";

const database = await openTestDatabase();
const unreachable = await openDatabase({
  databaseUrl: "postgresql://postgres@127.0.0.1:1/postgres",
  dataDir: "",
  role: "server",
});
afterAll(() => unreachable.close());
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

function get(app: TestApp, url: string, key = ADMIN_KEY) {
  return app.http.inject({ url, headers: { authorization: `Bearer ${key}` } });
}

const customers = (customerId: string) => `/api/organizations/${salon}/customers/${customerId}`;

test("while the database cannot be reached the answer is 503 with Retry-After, wherever it is needed", async () => {
  const app = await openTestApp(unreachable);
  const body = bodyOf(paymentEvent());
  const answers = [
    await app.http.inject({
      method: "POST",
      url: "/webhooks/square",
      headers: { "content-type": "application/json", ...signed(body) },
      payload: body,
    }),
    await get(app, customers("ana")),
    await get(app, "/readyz"),
  ];
  expect(answers.map((answer) => [answer.statusCode, answer.json().code])).toEqual([
    [503, "database_unavailable"],
    [503, "database_unavailable"],
    [503, "not_ready"],
  ]);
  for (const { headers } of answers) {
    expect(headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  }
  expect((await app.http.inject("/healthz")).statusCode).toBe(200);
});

test("however many ask at once whether it is ready, they take one connection", async () => {
  const app = await openTestApp(database);
  let most = 0;
  database.pool.on("acquire", () => {
    most = Math.max(most, database.pool.totalCount - database.pool.idleCount);
  });
  const answers = await Promise.all(Array.from({ length: 200 }, () => app.http.inject("/readyz")));
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  expect(most).toBe(1);
});

test("when too many events wait, one more is refused with 503 and Retry-After, and is not stored", async () => {
  const app = await openTestApp(database, { inbox: { maxQueued: 0 } });
  const answer = await app.deliver(paymentEvent());
  expect([answer.status, answer.json.code]).toEqual([503, "queue_full"]);
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  expect(await storedEvents(database)).toEqual([]);
});

test("a server that stops answers what it took, and refuses with 503 a request that is still arriving", async () => {
  const gated = gate(database);
  const app = await openTestApp(gated.database);
  await app.deliver(squareEvent("salon.robot.dispatched", {}));
  gated.shut();
  await app.http.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.http.server.address() as AddressInfo;
  const [taken, arriving] = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  const late = asHttp(paymentEvent({ id: "late" }));
  arriving.write(late.slice(0, 30));
  taken.write(asHttp(paymentEvent()));
  await gated.reached;
  const closed = app.http.close();
  await expect.poll(() => app.http.server.listening).toBe(false);
  taken.write(late);
  arriving.write(late.slice(30));
  expect(await textOf(arriving)).toMatch(
    /^HTTP\/1.1 503 .*connection: close.*retry-after: \d+.*"code":"shutting_down"/is,
  );
  gated.open();
  expect(await textOf(taken)).toMatch(/^HTTP\/1.1 200 OK.*connection: close.*"status":"processed"/is);
  await closed;
  expect(await storedEvents(database)).toHaveLength(2);
});

async function textOf(socket: Socket): Promise<string> {
  let received = "";
  for await (const chunk of socket) received += chunk;
  return received;
}

/** A signed delivery as it is on the wire. */
function asHttp(event: unknown): string {
  const body = bodyOf(event);
  const headers = {
    host: "127.0.0.1",
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...signed(body),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /webhooks/square HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

/** A database whose transactions wait at a gate once the test has shut it. */
function gate(real: Database) {
  const reached = withResolvers();
  const opened = withResolvers();
  let shut = false;
  const enter = async () => {
    if (shut) {
      reached.resolve();
      await opened.promise;
    }
    return real.pool.connect();
  };
  const query = real.pool.query.bind(real.pool);
  return {
    database: { ...real, pool: Object.assign(Object.create(real.pool), { connect: enter, query }) },
    shut: () => {
      shut = true;
    },
    reached: reached.promise,
    open: () => opened.resolve(),
  };
}

test("whatever is refused is refused as problem+json with a code", async () => {
  const app = await openTestApp(database);
  const foreign = "00000000-0000-4000-8000-000000000000";
  const requests: [url: string, status: number, code: string][] = [
    ["/nowhere", 404, "not_found"],
    ["/webhooks/square", 404, "not_found"],
    ["/%zz", 400, "bad_url"],
    [customers("nobody"), 404, "customer_not_found"],
    [customers("a%00b"), 400, "invalid_request"],
    [customers("x".repeat(300)), 400, "invalid_request"],
    [`/api/organizations/salon/customers/ana`, 400, "invalid_request"],
    [`/api/organizations/${foreign}/customers/ana`, 404, "organization_not_found"],
  ];
  for (const [url, status, code] of requests) {
    const answer = await get(app, url);
    expect([url, answer.statusCode, answer.json().status, answer.json().code]).toEqual([
      url,
      status,
      status,
      code,
    ]);
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(answer.body).not.toContain("xxx");
  }
});

test("an address with a part that is too long is refused like any other without a key, and names the part with it", async () => {
  const app = await openTestApp(database);
  for (const url of [customers("x".repeat(9_000)), `/admin/events/${"x".repeat(9_000)}/e1`]) {
    expect((await get(app, url, "wrong key")).statusCode).toBe(401);
    const { status, code, parameter } = (await get(app, url)).json();
    expect([status, code]).toEqual([400, "invalid_request"]);
    expect(parameter).toMatch(/^(squareCustomerId|organizationId)$/);
  }
});

test("a body that is not JSON in UTF-8 is refused, and named", async () => {
  const app = await openTestApp(database);
  const url = `/api/organizations/${crypto.randomUUID()}/referrals/ana`;
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" };
  const bodies = [
    '{"referral_code":',
    "",
    '{"__proto__":{}}',
    Buffer.from('{"referral_code":"Jos\xe9"}', "latin1"),
  ];
  for (const payload of bodies) {
    const answer = await app.http.inject({ method: "PUT", url, headers, payload });
    expect(answer.json()).toMatchObject({ status: 400, code: "invalid_request", parameter: "body" });
  }
});

test("without a configured admin key nobody is let in, and the answer says which variable opens", async () => {
  const { adminApiKey: _, ...config } = testConfig;
  const app = await openTestApp(database, { config });
  for (const key of ["", "undefined", ADMIN_KEY]) {
    const answer = await get(app, customers("ana"), key);
    expect([answer.statusCode, answer.json().code]).toEqual([503, "not_configured"]);
    expect(answer.json().detail).toContain("ADMIN_API_KEY");
  }
});

/** Sends bytes as they are; resolves with all that comes back. */
async function sendBytes(app: TestApp, bytes: string): Promise<string> {
  if (!app.http.server.listening) await app.http.listen({ host: "127.0.0.1", port: 0 });
  const socket = connect((app.http.server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(bytes);
  return textOf(socket);
}

test("bytes that are no HTTP are refused as problem+json, and nothing of them is logged", async () => {
  const app = await openTestApp(database);
  const secret = "x".repeat(20_000);
  const cases: [bytes: string, status: number, code: string][] = [
    ["hunter2 hunter2\r\n\r\n", 400, "malformed_http"],
    [`GET / HTTP/1.1\r\nhost: hunter2\r\nauthorization: ${secret}\r\n\r\n`, 431, "headers_too_large"],
  ];
  for (const [bytes, status, code] of cases) {
    const [head, body] = (await sendBytes(app, bytes)).split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} .*application/problem\\+json`, "s"));
    expect(JSON.parse(body ?? "")).toMatchObject({ status, code });
  }
  expect(app.logLines.join("")).not.toMatch(/hunter2|xxx/);
});

test("a request that takes longer than 30 seconds to arrive is cut off", async () => {
  const app = await openTestApp(database);
  expect(app.http.server.requestTimeout).toBe(30_000);
  expect(app.http.server.headersTimeout, "Node swaps the two when the head may take longer").toBeLessThan(
    30_000,
  );
  const sent: string[] = [];
  const socket = { destroyed: false, writable: true, end: (text: string) => sent.push(text) };
  const late = Object.assign(new Error("late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
  app.http.server.emit("clientError", late, socket);
  expect(sent.join("")).toMatch(/^HTTP\/1.1 408 .*"code":"request_timeout"/s);
});

test("a signed delivery without a media type or a body is refused for that, and an unsigned one for its signature", async () => {
  const app = await openTestApp(database);
  const post = (headers: Headers, payload?: string) =>
    app.http.inject({ method: "POST", url: "/webhooks/square", headers, ...(payload && { payload }) });
  const json = { "content-type": "application/json" };
  const event = bodyOf(paymentEvent());
  const answers = [
    await post(signed("")),
    await post({ ...json, ...signed("") }),
    await post({ ...json, "content-length": "0", ...signed("") }),
    await post(signed(event), event),
    await post({ ...json, ...signed("", "wrong key") }),
    await post(signed("", "wrong key")),
    await post({}),
  ];
  expect(answers.map((answer) => [answer.statusCode, answer.json().code])).toEqual([
    [400, "json_invalid_json"],
    [400, "json_invalid_json"],
    [400, "json_invalid_json"],
    [415, "unsupported_media_type"],
    [401, "invalid_signature"],
    [401, "invalid_signature"],
    [401, "invalid_signature"],
  ]);
  expect(await storedEvents(database)).toEqual([]);
});

function withResolvers() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

test("an event that the database refuses to store is 503, whatever the reason, and comes again", async () => {
  const app = await openTestApp(database);
  const event = paymentEvent({}, { event_id: "refused" });
  await database.pool.query(
    "alter table webhook_events add constraint refused check (event_id <> 'refused')",
  );
  try {
    const answer = await app.deliver(event);
    expect([answer.status, answer.json.code]).toEqual([503, "not_stored"]);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    const line = app.logLines.map((text) => JSON.parse(text)).find(({ code }) => code === "not_stored");
    expect(line).toMatchObject({ level: 50, error_code: "23514", frames: expect.any(Array) });
  } finally {
    await database.pool.query("alter table webhook_events drop constraint refused");
  }
  expect((await app.deliver(event)).json.status).toBe("processed");
});

test("a recompute needs no body, whatever media type it names", async () => {
  const app = await openTestApp(database);
  await app.deliver(customerEvent("customer.created", { id: "ana" }));
  for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": type };
    const answer = await app.http.inject({ method: "POST", url: `${customers("ana")}/recompute`, headers });
    expect([type, answer.statusCode]).toEqual([type, 200]);
  }
});

test("/readyz is 503 while the database takes no writes", async () => {
  const app = await openTestApp(database);
  expect((await app.http.inject("/readyz")).statusCode).toBe(200);
  const { pool } = database;
  const readOnly = async (text: string) => {
    const client = await pool.connect();
    try {
      await client.query("begin read only");
      return await client.query(text);
    } finally {
      await client.query("rollback");
      client.release();
    }
  };
  const standby = { ...database, pool: Object.assign(Object.create(pool), { query: readOnly }) };
  const answer = await (await openTestApp(standby)).http.inject("/readyz");
  expect([answer.statusCode, answer.json().code]).toEqual([503, "read_only"]);
});
