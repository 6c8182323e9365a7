import { type AddressInfo, connect } from "node:net";
import { expect, test } from "vitest";
import { addSalon, openTestApp, signed } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { bodyOf, paymentEvent } from "../support/events.js";

const database = await openTestDatabase();
await addSalon(database);

const expected = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

test("every answer, whoever writes it, tells browsers to run, frame, guess and keep nothing", async () => {
  const app = await openTestApp(database);
  const body = bodyOf(paymentEvent());
  const answers = [
    await app.inject(body, signed(body)),
    await app.inject(body),
    await app.inject("x".repeat(2 ** 20 + 1)),
    ...(await Promise.all(
      ["/healthz", "/nowhere", "/%zz", "/api/organizations/x/customers/y"].map((url) => app.http.inject(url)),
    )),
  ];
  expect(answers.map((answer) => ("statusCode" in answer ? answer.statusCode : answer.status))).toEqual([
    200, 401, 413, 200, 404, 400, 401,
  ]);
  for (const { headers } of answers) expect(headers).toMatchObject(expected);
});

test.each([
  ["bytes that are no HTTP", 400, "no HTTP"],
  ["a request without Host", 400, "GET /healthz HTTP/1.1\r\nconnection: close"],
  ["a request that expects nonsense", 417, "GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: nonsense"],
  ["headers that are too large", 431, `GET / HTTP/1.1\r\nhost: x\r\nlarge: ${"x".repeat(20_000)}`],
])("so does the answer to %s", async (_, status, bytes) => {
  const app = await openTestApp(database);
  await app.http.listen({ host: "127.0.0.1", port: 0 });
  const socket = connect((app.http.server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(`${bytes}\r\n\r\n`);
  let received = "";
  for await (const chunk of socket) received += chunk;
  expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} .*application/problem\\+json`, "is"));
  for (const [name, value] of Object.entries(expected)) expect(received).toContain(`${name}: ${value}\r\n`);
});

test("what a route says itself stays", async () => {
  const app = await openTestApp(database);
  app.http.get("/page", (_request, reply) =>
    reply.header("content-security-policy", "default-src 'self'").type("text/html").send("<p>"),
  );
  const { headers } = await app.http.inject("/page");
  expect(headers).toMatchObject({ ...expected, "content-security-policy": "default-src 'self'" });
});
