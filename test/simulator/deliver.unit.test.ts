import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type DeliveryOptions, deliver } from "../../src/simulator/deliver.js";
import { postEvent } from "../../src/simulator/post-event.js";
import { signBody, verifySignature } from "../../src/square/signature.js";
import { turbulentSalon } from "./ask-square.js";

const key = "test-key";
const notificationUrl = "https://example.com/hook";
const sign = (body: string) => signBody(key, notificationUrl, body);
const history = [...turbulentSalon(1, { customers: 30 }).events()];
const ids = history.map(({ event }) => event.event_id);

function delivered(options: Partial<DeliveryOptions>) {
  const { deliveries, tally } = deliver(history, { seed: 1, sign, ...options });
  const list = [...deliveries];
  return { list, tally, order: list.map(({ event }) => event.event_id) };
}

test("without options every event is delivered once, in order, signed", () => {
  const { list, tally, order } = delivered({});
  expect(order).toEqual(ids);
  expect(tally).toMatchObject({ sent: ids.length, dropped: 0, duplicated: 0 });
  for (const { body, signature, event } of list.slice(0, 20)) {
    const rawBody = Buffer.from(body);
    expect(verifySignature({ header: signature, keys: [key], notificationUrl, rawBody })).toBe(true);
    expect(JSON.parse(body)).toEqual(event);
  }
});

test.each(["none", "full", 40] as const)(
  "drops and second copies are counted rightly and the same for the same seed, shuffle %s",
  (shuffle) => {
    const options = { drops: 0.1, duplicates: 0.2, shuffle };
    const { tally, order } = delivered(options);
    expect(tally.sent).toBe(order.length);
    expect(tally.sent).toBe(ids.length - tally.dropped + tally.duplicated);
    expect(new Set(order).size).toBe(ids.length - tally.dropped);
    expect(Math.abs(tally.dropped / ids.length - 0.1)).toBeLessThan(0.03);
    expect(Math.abs(tally.duplicated / ids.length - 0.18)).toBeLessThan(0.04);
    expect(delivered(options).order).toEqual(order);
    expect(delivered({ ...options, seed: 2 }).order).not.toEqual(order);
  },
);

test("a full shuffle loses nothing, and a bounded one brings nothing forward by more than its window", () => {
  const { order } = delivered({ shuffle: "full" });
  expect(order).not.toEqual(ids);
  expect(order.sort()).toEqual([...ids].sort());
  const places = new Map(ids.map((id, place) => [id, place]));
  const forward = delivered({ shuffle: 25 }).order.map((id, place) => (places.get(id) ?? 0) - place);
  expect(Math.max(...forward)).toBe(25);
});

test.each([{ drops: -0.1 }, { duplicates: 1.5 }, { shuffle: 0 }, { shuffle: 2.5 }])("refuses %o", (wrong) => {
  expect(() => delivered(wrong)).toThrow(RangeError);
});

test("a webhook is posted as the signed bytes with Square's headers, and any status is handed back", async () => {
  const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    seen.push({ headers: request.headers, body });
    response.writeHead(seen.length === 1 ? 200 : 401).end("answered");
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const body = '{"note":"Gr\u00fc\u00dfe"}';
  expect(await postEvent(url, body, sign(body))).toEqual({ status: 200, body: "answered" });
  expect(seen[0]).toMatchObject({
    body,
    headers: {
      "content-type": "application/json",
      "user-agent": "Square Connect v2",
      "x-square-hmacsha256-signature": sign(body),
    },
  });
  expect((await postEvent(url, "{}", "wrong")).status).toBe(401);
  await expect(postEvent("http://127.0.0.1:1/", "{}", "x")).rejects.toThrow();
});
