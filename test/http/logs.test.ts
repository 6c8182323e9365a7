import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { beforeEach, expect, test } from "vitest";
import { RefusalLog } from "../../src/http/refusal-log.js";
import { ADMIN_KEY, addSalon, openTestApp, SIGNATURE_KEY, signed } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { bodyOf, paymentEvent } from "../support/events.js";
import { collectPersonal } from "../support/personal.js";
import { storedEvents } from "../support/tables.js";

const database = await openTestDatabase();
beforeEach(async () => {
  await emptyDatabase(database);
  await addSalon(database);
});

test("logs tell event, type, organization and milliseconds, and nothing about people", async () => {
  const folder = "fixtures/events/";
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const app = await openTestApp(database);
  const personal = new Set([SIGNATURE_KEY, ADMIN_KEY]);
  const delivered: string[] = [];
  for (const file of files) {
    const text = readFileSync(folder + file, "utf8");
    const event = JSON.parse(text);
    await addSalon(database, event.merchant_id);
    collectPersonal(event, personal);
    personal.add(signed(text)["x-square-hmacsha256-signature"] as string);
    const { status } = await app.inject(text, signed(text));
    if (status === 200) delivered.push(event.event_id);
  }
  const lines = app.logLines.map((line) => JSON.parse(line));
  const told = lines.filter((line) => line.msg === "event");
  expect(told.map((line) => line.event_id)).toEqual(delivered);
  for (const line of told) {
    expect(line).toMatchObject({
      event_type: expect.any(String),
      status: expect.any(String),
      ms: expect.any(Number),
    });
    expect(line).toHaveProperty("organization_id");
  }
  expect(personal.size).toBeGreaterThan(40);
  // Numbers that only tell the time may hold any digits, those of a card as well.
  const log = lines.map(({ time: _time, ms: _ms, ...line }) => JSON.stringify(line)).join("");
  const stored = (await storedEvents(database)).map((row) => row.last_error).join("\n");
  for (const secret of personal) expect(log + stored).not.toContain(secret);
});

test("refused deliveries are told in one line a second, with their code and size and nothing else", async () => {
  const app = await openTestApp(database);
  const body = bodyOf(paymentEvent({ note: "hunter2" }));
  const noEvent = '{"hunter2": true}';
  await app.inject(body, signed(body, "wrong key"));
  for (let time = 0; time < 20; time++) await app.inject(noEvent, signed(noEvent));
  const told = app.logLines.map((line) => JSON.parse(line)).filter((line) => line.msg === "delivery refused");
  expect(told[0]).toMatchObject({
    level: 40,
    code: "invalid_signature",
    bytes: Buffer.byteLength(body),
    left_out: 0,
  });
  expect(told.length).toBeLessThan(21);
  expect(app.logLines.join("")).not.toContain("hunter2");
});

test("what cannot be served just now is told in one line a second, with the kind of the error", async () => {
  const app = await openTestApp(database, { inbox: { maxQueued: 0 } });
  for (let time = 0; time < 20; time++) await app.deliver(paymentEvent({ note: "hunter2" }));
  const told = app.logLines.map((line) => JSON.parse(line)).filter((line) => line.msg === "request refused");
  expect(told[0]).toMatchObject({ level: 40, code: "queue_full", error: "QueueFull", left_out: 0 });
  expect(told.length).toBeLessThan(20);
  expect(app.logLines.join("")).not.toMatch(/request failed|hunter2/);
});

test("whoever hangs up in the middle of a body leaves no line in the log", async () => {
  const app = await openTestApp(database);
  await app.http.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.http.server.address() as AddressInfo;
  const requests = Array.from({ length: 5 }, async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write(
      "POST /webhooks/square HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    );
    const [request] = (await once(app.http.server, "request")) as [IncomingMessage];
    const gone = new Promise((resolve) => request.once("close", resolve));
    socket.resetAndDestroy();
    await gone;
  });
  await Promise.all(requests);
  expect((await app.http.inject("/healthz")).statusCode).toBe(200);
  expect(app.logLines.map((line) => JSON.parse(line).msg)).not.toContain("request failed");
});

test("the line after a silence says how many refusals were left out", () => {
  const told: object[] = [];
  let now = 0;
  const log = { warn: (fields: object) => told.push(fields) };
  const refusals = new RefusalLog(log, "refused", { clock: () => now });
  for (now of [0, 1, 999, 1_000, 1_500, 9_000]) refusals.record({ code: "json_invalid_json", bytes: now });
  expect(told).toEqual([
    { code: "json_invalid_json", bytes: 0, left_out: 0 },
    { code: "json_invalid_json", bytes: 1_000, left_out: 2 },
    { code: "json_invalid_json", bytes: 9_000, left_out: 1 },
  ]);
});
