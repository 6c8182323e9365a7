import { describe, expect, it } from "vitest";
import { signBody, verifySignature } from "../../src/square/signature.js";

const TEST_NOTIFICATION =
  '{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification","event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f","created_at":"2022-07-13T20:30:59.037339943Z","data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}';

/** Published by Square: three in its SDK's tests, the last in its documentation. */
const VECTORS = [
  {
    key: "Ibxx_5AKakO-3qeNVR61Dw",
    url: "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9",
    body: TEST_NOTIFICATION,
    signature: "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=",
  },
  {
    key: "signature-key",
    url: "https://webhook.site/webhooks",
    body: '{"data":{"type":"webhooks","id":"fake_id"}}',
    signature: "W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA=",
  },
  {
    key: "signature-key",
    url: "https://webhook.site/webhooks",
    body: '{"data":{"type":"webhooks","id":">id<"}}',
    signature: "Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=",
  },
  {
    key: "asdf1234",
    url: "https://example.com/webhook",
    body: '{"hello":"world"}',
    signature: "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=",
  },
] as const;

const genuine = {
  header: VECTORS[0].signature as string | string[] | undefined,
  keys: [VECTORS[0].key] as readonly string[],
  notificationUrl: VECTORS[0].url as string,
  rawBody: Buffer.from(VECTORS[0].body),
};

describe("a signature that Square published", () => {
  it.each(VECTORS)("is computed and accepted: $signature", ({ key, url, body, signature }) => {
    expect(signBody(key, url, body)).toBe(signature);
    const rawBody = Buffer.from(body);
    expect(verifySignature({ header: signature, keys: [key], notificationUrl: url, rawBody })).toBe(true);
  });
});

/** More forgeries are tried over HTTP: test/http/webhook.test.ts. */
describe("a request is refused", () => {
  const signature = VECTORS[0].signature;
  it.each([
    ["the URL is one character off", { notificationUrl: `${VECTORS[0].url}a` }],
    ["the URL has a trailing slash more", { notificationUrl: `${VECTORS[0].url}/` }],
    ["the URL is http, not https", { notificationUrl: VECTORS[0].url.replace("https", "http") }],
    ["the URL is empty", { notificationUrl: "" }],
    ["a date in the body changed", { rawBody: Buffer.from(TEST_NOTIFICATION.replace("-07-", "-06-")) }],
    ["the body was pretty-printed", { rawBody: prettyPrinted(TEST_NOTIFICATION) }],
    ["the header came twice", { header: `${signature}, ${signature}` }],
    ["no key is configured", { keys: [] }],
    ["the signature is URL-safe base64", { header: signature.replaceAll("/", "_") }],
    ["the signature has white space before it", { header: ` ${signature}` }],
    ["the signature has a line break after it", { header: `${signature}\n` }],
    ["the signature differs in bits that base64 drops", { header: signature.replace(/4=$/, "5=") }],
    ["a letter is one that latin-1 folds", { header: signature.replace("G", String.fromCharCode(0x147)) }],
  ])("when %s", (_, change) => {
    expect(verifySignature({ ...genuine, ...change })).toBe(false);
  });

  it("when it was signed with an empty key, even if one is configured", () => {
    const header = signBody("", genuine.notificationUrl, genuine.rawBody);
    expect(verifySignature({ ...genuine, header, keys: [""] })).toBe(false);
  });

  it("when characters were escaped after signing", () => {
    const { key, url, body, signature: header } = VECTORS[2];
    const rawBody = Buffer.from(body.replace(">", "\\u003e"));
    expect(verifySignature({ header, keys: [key], notificationUrl: url, rawBody })).toBe(false);
  });
});

describe("while keys are rotated", () => {
  it("either key verifies, in whatever order they are given", () => {
    expect(verifySignature({ ...genuine, keys: ["next", VECTORS[0].key] })).toBe(true);
    expect(verifySignature({ ...genuine, keys: [VECTORS[0].key, "next"] })).toBe(true);
  });
});

it("the bytes are signed, not the text they decode to", () => {
  const rawBody = Buffer.from([0x7b, 0xff, 0x7d]);
  const header = signBody("key", "https://example.com", rawBody);
  const request = { header, keys: ["key"], notificationUrl: "https://example.com" };
  expect(verifySignature({ ...request, rawBody })).toBe(true);
  expect(verifySignature({ ...request, rawBody: Buffer.from(rawBody.toString("utf8")) })).toBe(false);
});

function prettyPrinted(body: string): Buffer {
  return Buffer.from(JSON.stringify(JSON.parse(body), null, 2));
}
