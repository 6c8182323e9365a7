import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type DeliveryOptions, deliver } from "../../src/simulator/deliver.js";
import { postEvent } from "../../src/simulator/post-event.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { signBody, verifySignature } from "../../src/square/signature.js";

const key = "test-key";
const notificationUrl = "https://example.com/hook";
const sign = (body: string) => signBody(key, notificationUrl, body);

const history = [
  ...simulateSalon({
    seed: 1,
    start: new Date("2025-01-01T00:00:00Z"),
    end: new Date("2025-06-01T00:00:00Z"),
    customers: 80,
  }).events(),
];
const ids = history.map(({ event }) => event.event_id);

function delivered(options: Partial<DeliveryOptions>) {
  const { deliveries, tally } = deliver(history, { seed: 1, sign, ...options });
  return { list: [...deliveries], tally };
}

const idsOf = (list: { event: { event_id: string } }[]) => list.map(({ event }) => event.event_id);

test("without options every event is delivered once, in order, signed", () => {
  const { list, tally } = delivered({});
  expect(idsOf(list)).toEqual(ids);
  expect(tally).toMatchObject({ sent: ids.length, dropped: 0, duplicated: 0 });
  expect(Object.values(tally.byType).reduce((sum, count) => sum + count, 0)).toBe(ids.length);
  for (const { body, signature, event } of list.slice(0, 20)) {
    const rawBody = Buffer.from(body);
    expect(verifySignature({ header: signature, keys: [key], notificationUrl, rawBody })).toBe(true);
    expect(JSON.parse(body)).toEqual(event);
  }
});

test.each(["none", "full", 40] as const)(
  "drops and second copies are counted rightly, shuffle %s",
  (shuffle) => {
    const { list, tally } = delivered({ drops: 0.1, duplicates: 0.2, shuffle });
    expect(tally.sent).toBe(list.length);
    expect(tally.sent).toBe(ids.length - tally.dropped + tally.duplicated);
    expect(new Set(idsOf(list)).size).toBe(ids.length - tally.dropped);
    expect(list.filter(({ first }) => !first)).toHaveLength(tally.duplicated);
    expect(Math.abs(tally.dropped / ids.length - 0.1)).toBeLessThan(0.03);
    expect(Math.abs(tally.duplicated / ids.length - 0.18)).toBeLessThan(0.04);
  },
);

test("a second copy is the same bytes with the same signature", () => {
  const { list } = delivered({ duplicates: 0.3 });
  const bodies = new Map(list.filter(({ first }) => first).map((one) => [one.event.event_id, one]));
  for (const copy of list.filter(({ first }) => !first)) {
    const original = bodies.get(copy.event.event_id);
    expect(copy.body).toBe(original?.body);
    expect(copy.signature).toBe(original?.signature);
  }
});

test("a full shuffle mixes everything and loses nothing", () => {
  const { list } = delivered({ shuffle: "full" });
  expect(idsOf(list)).not.toEqual(ids);
  expect(idsOf(list).sort()).toEqual([...ids].sort());
});

test("a bounded shuffle brings nothing forward by more than its window", () => {
  const { list } = delivered({ shuffle: 25 });
  const places = new Map(ids.map((id, place) => [id, place]));
  const forward = idsOf(list).map((id, place) => (places.get(id) ?? 0) - place);
  expect(Math.max(...forward)).toBe(25);
  expect(idsOf(list).sort()).toEqual([...ids].sort());
});

test("the same seed delivers the same, another seed otherwise", () => {
  const mixed = (seed: number) =>
    idsOf(delivered({ seed, drops: 0.1, duplicates: 0.1, shuffle: "full" }).list);
  expect(mixed(1)).toEqual(mixed(1));
  expect(mixed(1)).not.toEqual(mixed(2));
});

test.each([{ drops: -0.1 }, { duplicates: 1.5 }, { shuffle: 0 }, { shuffle: 2.5 }])("refuses %o", (wrong) => {
  expect(() => delivered(wrong)).toThrow(RangeError);
});

async function endpoint(answer: (headers: IncomingHttpHeaders, body: string) => number | null) {
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const status = answer(request.headers, Buffer.concat(chunks).toString());
    if (status !== null) response.writeHead(status).end("answered");
  });
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, connections: () => connections };
}

test("posts the signed bytes with Square's headers over one kept connection", async () => {
  const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
  const { url, connections } = await endpoint((headers, body) => {
    seen.push({ headers, body });
    return 200;
  });
  const body = '{"note":"Gr\u00fc\u00dfe"}';
  expect(await postEvent(url, body, sign(body))).toEqual({ status: 200, body: "answered" });
  const initialDelivery = new Date("2026-01-01T00:00:00Z");
  await postEvent(url, body, sign(body), { initialDelivery, retry: { number: 2, reason: "http_error" } });
  expect(connections()).toBe(1);
  expect(seen.map((request) => request.body)).toEqual([body, body]);
  expect(seen[0]?.headers).toMatchObject({
    "content-type": "application/json",
    "user-agent": "Square Connect v2",
    "square-environment": "Sandbox",
    "x-square-hmacsha256-signature": sign(body),
  });
  expect(seen[0]?.headers["square-retry-number"]).toBeUndefined();
  expect(seen[1]?.headers).toMatchObject({
    "square-initial-delivery-timestamp": "2026-01-01T00:00:00.000Z",
    "square-retry-number": "2",
    "square-retry-reason": "http_error",
  });
});

test("hands back any status, and throws when no answer comes", async () => {
  const refusing = await endpoint(() => 401);
  expect((await postEvent(refusing.url, "{}", "wrong")).status).toBe(401);
  const silent = await endpoint(() => null);
  await expect(postEvent(silent.url, "{}", "x", { timeout: 50 })).rejects.toThrow("no answer within 50 ms");
  await expect(postEvent("http://127.0.0.1:1/", "{}", "x")).rejects.toThrow("ECONNREFUSED");
});
