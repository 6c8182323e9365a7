import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../src/config.js";
import { sweep } from "../src/sweep/sweep.js";
import { startTracing, traced } from "../src/tracing.js";
import { ADMIN_KEY, addSalon, openTestApp, openTestLog, SIGNATURE_KEY, signed } from "./support/app.js";
import { openForCommands, regulars } from "./support/command-line.js";
import { emptyDatabase, openTestDatabase } from "./support/database.js";
import { bodyOf, paymentEvent } from "./support/events.js";
import { collectPersonal } from "./support/personal.js";
import { connectSalon, openSquareWorld } from "./support/square.js";
import { ACCESS_TOKEN } from "./support/square-context.js";

const database = await openTestDatabase();
let salon: string;
beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

test("a webhook's trace leads from the request over its wait to the commit", async () => {
  const { spans, exported, headers } = await openCollector();
  const app = await openTestApp(database);
  const event = paymentEvent();
  await app.deliver(event);
  await exported();
  const tree = treeOf(spans);
  expect(tree.slice(0, 7)).toEqual([
    "POST /webhooks/square",
    "  queue",
    "  batch",
    "    transaction",
    "      connection",
    "      claim and lock",
    "      write facts",
  ]);
  // They are sent together, so they may begin at one instant.
  expect(tree.slice(7).sort()).toEqual(["      commit", "      recompute"]);
  const hash = createHash("sha256").update(event.event_id).digest("hex").slice(0, 16);
  expect(attributesOf(spans, "POST /webhooks/square")).toEqual({
    "http.request.method": "POST",
    "http.route": "/webhooks/square",
    "http.response.status_code": 200,
    "regulars.event.hash": hash,
    "regulars.event.type": "payment.updated",
    "regulars.event.status": "processed",
  });
  expect(attributesOf(spans, "batch")).toEqual({
    "regulars.organization.id": salon,
    "regulars.batch.events": 1,
  });
  expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(["regulars"]));
  expect(headers[0]).toMatchObject({ authorization: "Basic abc=", "content-type": "application/json" });
});

test("a transaction of several events is linked with the trace of each", async () => {
  const { spans, exported } = await openCollector();
  const app = await openTestApp(database);
  // The first event's transaction runs while the others arrive.
  await Promise.all([1, 2, 3, 4].map((id) => app.deliver(paymentEvent({ id: `payment-${id}` }))));
  await exported();
  const requests = spans.filter(({ name }) => name.startsWith("POST"));
  expect(new Set(requests.map(({ traceId }) => traceId)).size).toBe(4);
  const batches = spans.filter(({ name }) => name === "batch");
  for (const request of requests) {
    const inTrace = batches.filter(({ traceId }) => traceId === request.traceId);
    const linked = batches.filter(({ links }) => links.some(({ spanId }) => spanId === request.spanId));
    expect([...inTrace, ...linked], request.spanId).toHaveLength(1);
    expect(request.links.map(({ spanId }) => spanId)).toEqual(linked.map(({ spanId }) => spanId));
  }
});

test("traces hold no personal data, no secret and no customer's id", async () => {
  const { bodies, spans, exported } = await openCollector();
  const folder = "fixtures/events/";
  const personal = new Set([SIGNATURE_KEY, ADMIN_KEY]);
  const app = await openTestApp(database);
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const text = readFileSync(folder + file, "utf8");
    const event = JSON.parse(text);
    await addSalon(database, event.merchant_id);
    collectPersonal(event, personal);
    for (const [, id = ""] of text.matchAll(/"(?:customer_id|event_id|merchant_id)": ?"([^"]+)"/g))
      personal.add(id);
    personal.add(signed(text)["x-square-hmacsha256-signature"] as string);
    await app.inject(text, signed(text));
  }
  const { rows } = await database.pool.query("select square_customer_id as id from customer_analytics");
  for (const { id } of rows) personal.add(id);
  await exported();
  expect(personal.size).toBeGreaterThan(60);
  expect(spans.length).toBeGreaterThan(100);
  const sent = wordsOf(bodies);
  expect([...personal].filter((secret) => sent.includes(secret))).toEqual([]);
});

test("a failure is told by its code, and a request that is not signed has no trace", async () => {
  const { bodies, spans, exported } = await openCollector();
  const app = await openTestApp(database, { inbox: { maxQueued: 0 } });
  const body = bodyOf(paymentEvent());
  expect((await app.inject(body, signed(body, "wrong key"))).status).toBe(401);
  expect((await app.inject(body, signed(body))).status).toBe(503);
  const message = "the value hunter2 is wrong";
  await expect(traced("work", () => Promise.reject(new Error(message)))).rejects.toThrow(message);
  await exported();
  expect(treeOf(spans)).toEqual(["POST /webhooks/square", "work"]);
  expect(attributesOf(spans, "POST /webhooks/square")).toMatchObject({
    "http.response.status_code": 503,
    "error.type": "queue_full",
  });
  expect(attributesOf(spans, "work")).toEqual({ "error.type": "Error" });
  expect(bodies.join("")).not.toContain("hunter2");
});

test("a caller's traceparent is ignored", async () => {
  const { spans, exported } = await openCollector();
  const app = await openTestApp(database);
  const body = bodyOf(paymentEvent());
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
  expect((await app.inject(body, { ...signed(body), traceparent })).status).toBe(200);
  await exported();
  expect(spans.map((span) => span.traceId)).not.toContain(traceId);
  expect(treeOf(spans)[0]).toBe("POST /webhooks/square");
});

test("a sweep's trace has its steps, each organization's pull and the pull's lists", async () => {
  const world = await openSquareWorld(database, { seed: "traced", customers: 2 });
  const organizationId = await connectSalon(database, world);
  const { bodies, spans, exported } = await openCollector();
  await sweep(world.context, "full");
  await exported();
  const tree = treeOf(spans);
  expect(tree.filter((line) => /^( {2})?\S/.test(line))).toEqual([
    "sweep",
    ...["events", "due", "pull", "check", "days", "retention"].map((step) => `  sweep ${step}`),
  ]);
  expect(tree).toContain("    pull");
  for (const list of ["locations", "customers", "bookings", "payments", "profiles"])
    expect(tree).toContain(`      pull ${list}`);
  expect(attributesOf(spans, "pull")).toEqual({ "regulars.organization.id": organizationId });
  expect(bodies.join("")).not.toContain(ACCESS_TOKEN);
});

test("the command reconcile exports its sweep before it ends, and says on standard error that a collector refuses it", async () => {
  let status = 200;
  const { spans, stop, env } = await openCollector((response) => response.writeHead(status).end("{}"));
  await stop();
  const own = await openForCommands();
  const reconcile = () => regulars({ ...own.env, ...env }, "reconcile");
  expect(await reconcile()).toMatchObject({ code: 0, stderr: "" });
  expect(treeOf(spans)[0]).toBe("sweep");
  status = 400;
  expect(await reconcile()).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("traces are not exported"),
  });
});

test("a collector that takes an export and never answers holds up neither deliveries nor the stop", async () => {
  process.env.OTEL_BSP_SCHEDULE_DELAY = "1";
  onTestFinished(() => {
    delete process.env.OTEL_BSP_SCHEDULE_DELAY;
  });
  const { firstExport, stop } = await openCollector(() => {});
  const app = await openTestApp(database);
  expect((await app.deliver(paymentEvent())).status).toBe(200);
  await firstExport;
  for (let id = 0; id < 30; id++) {
    expect((await app.deliver(paymentEvent({ id: `payment-${id}` }))).status).toBe(200);
  }
  await stop();
});

test("a collector that is away is logged once, and its return once", async () => {
  process.env.OTEL_BSP_SCHEDULE_DELAY = "1";
  onTestFinished(() => {
    delete process.env.OTEL_BSP_SCHEDULE_DELAY;
  });
  let status = 400;
  const { logLines, bodies } = await openCollector((response) => response.writeHead(status).end());
  const app = await openTestApp(database);
  const logged = () => logLines.map((line) => JSON.parse(line).msg);
  await app.deliver(paymentEvent());
  await expect.poll(logged).toEqual(["traces are not exported"]);
  const before = bodies.length;
  await app.deliver(paymentEvent());
  await expect.poll(() => bodies.length).toBeGreaterThan(before);
  status = 200;
  await app.deliver(paymentEvent());
  await expect.poll(logged).toEqual(["traces are not exported", "traces are exported again"]);
});

interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
  readonly links: readonly { readonly spanId: string }[];
  readonly service: unknown;
}

/** A collector that takes OTLP over HTTP, and tracing to it as the environment configures it. */
async function openCollector(
  answer: (response: ServerResponse) => unknown = (response) => response.end("{}"),
) {
  const bodies: string[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const spans: CollectedSpan[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    bodies.push(body);
    headers.push(request.headers);
    for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
      const service = attributeOf(resource.attributes, "service.name");
      for (const scope of scopeSpans)
        for (const span of scope.spans) spans.push({ links: [], ...span, service });
    }
    server.emit("exported");
    if (request.url === "/v1/traces") answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const firstExport = once(server, "exported");
  const { log, logLines } = openTestLog();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20abc=,x-tenant=salon",
  };
  const { tracing } = loadConfig(env, { require: "command" });
  if (!tracing) throw new Error("tracing is not configured");
  const stop = await startTracing(tracing, log);
  onTestFinished(async () => {
    await stop();
    server.closeAllConnections();
    server.close();
  });
  return { bodies, headers, spans, logLines, firstExport, env, stop, exported: stop };
}

function attributeOf(attributes: CollectedSpan["attributes"], name: string): unknown {
  const [value] = Object.values(attributes.find(({ key }) => key === name)?.value ?? {});
  return value;
}

function attributesOf(spans: readonly CollectedSpan[], name: string): Record<string, unknown> {
  const found = spans.find((span) => span.name === name)?.attributes ?? [];
  return Object.fromEntries(found.map(({ key }) => [key, attributeOf(found, key)]));
}

/** All that was exported but times and random ids, which may hold any digits. */
function wordsOf(bodies: readonly string[]): string {
  return bodies
    .join("")
    .replaceAll(/"(?:startTimeUnixNano|endTimeUnixNano|traceId|spanId|parentSpanId)":"\w*"/g, "")
    .replaceAll(/"regulars\.(?:event\.hash|organization\.id)","value":\{[^}]*\}/g, "");
}

/** The spans' names in order of their begin, indented below their parents. */
function treeOf(spans: readonly CollectedSpan[], parent?: string, depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => (parentSpanId || undefined) === parent)
    .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))
    .flatMap(({ name, spanId }) => ["  ".repeat(depth) + name, ...treeOf(spans, spanId, depth + 1)]);
}
