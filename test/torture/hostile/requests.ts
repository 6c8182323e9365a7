import { gzipSync } from "node:zlib";
import type { Random } from "../../../src/simulator/random.js";
import { signBody } from "../../../src/square/signature.js";
import {
  bodyOf,
  bookingEvent,
  customerEvent,
  type EventJson,
  mergeEvents,
  paymentEvent,
  refundEvent,
  squareEvent,
} from "../../support/events.js";
import type { HttpRequest } from "../runner/http.js";
import { NOTIFICATION_URL, SIGNATURE_KEY, signatureOf } from "../runner/server-process.js";
import { hostileCall, knownEvents } from "./calls.js";
import type { HostileRequest, Target } from "./hostile-request.js";
import { spoil } from "./values.js";

const SIGNATURE = "x-square-hmacsha256-signature";
const MIB = 2 ** 20;
/** Twenty megabytes of zeros in twenty kilobytes. */
const bomb = gzipSync(Buffer.alloc(20 * MIB));

/** A random request. */
export function hostileRequest(random: Random, target: Target): HostileRequest {
  const kind = random.weighted({ spoilt: 40, bytes: 10, signature: 25, transport: 10, api: 15 });
  if (kind === "spoilt") return signedRequest("spoilt JSON", spoiltBody(random, target));
  if (kind === "bytes") return hostileBytes(random, target);
  if (kind === "signature") return hostileSignature(random, target);
  return kind === "transport" ? hostileTransport(random, target) : hostileCall(random, target);
}

function delivery(trick: string, body: string | Buffer, headers: HttpRequest["headers"], mayStore: boolean) {
  const length = { "content-length": Buffer.byteLength(body) };
  const all = { "content-type": "application/json", ...length, ...headers };
  return { trick, method: "POST", path: "/webhooks/square", headers: all, body, mayStore };
}

function signedRequest(trick: string, body: string | Buffer): HostileRequest {
  return delivery(trick, body, { [SIGNATURE]: signatureOf(body) }, true);
}

/** A correct event about one of a few objects, so many events are about the same object. */
function event(random: Random, { merchantId }: Target): EventJson {
  const merchant_id = random.chance(0.9) ? merchantId : `M-STRANGER-${random.int(0, 3)}`;
  const envelope = { merchant_id, event_id: random.chance(0.02) ? random.pick(knownEvents) : random.uuid() };
  const id = `${random.int(0, 40)}`;
  const customer_id = `customer ${random.int(0, 20)}`;
  const version = random.int(0, 9);
  switch (random.weighted({ booking: 4, payment: 4, refund: 2, customer: 3, merge: 1, other: 1 })) {
    case "booking":
      return bookingEvent({ id, version, customer_id }, envelope);
    case "payment":
      return paymentEvent({ id, customer_id, cents: random.int(0, 99_999) }, envelope);
    case "refund":
      return refundEvent({ id, payment_id: `${random.int(0, 40)}` }, envelope);
    case "customer":
      return customerEvent(
        random.chance(0.8) ? "customer.updated" : "customer.deleted",
        { id: customer_id, version },
        undefined,
        envelope,
      );
    case "merge": {
      const from = [customer_id, `customer ${random.int(0, 20)}`];
      const events = mergeEvents(from, `customer ${random.int(0, 20)}`, "2026-05-01T10:00:00Z");
      return { ...random.pick(events), ...envelope };
    }
    default:
      return squareEvent(
        random.pick(["location.updated", "order.created", "no.such.type"]),
        { id },
        envelope,
      );
  }
}

function spoiltBody(random: Random, target: Target): string {
  return spoil(event(random, target), random, random.pick([0.01, 0.05, 0.2]));
}

/** Signed bodies whose bytes are wrong. */
function hostileBytes(random: Random, target: Target): HostileRequest {
  const body = bodyOf(event(random, target));
  const bytes = Buffer.from(body);
  const tricks: readonly (() => HostileRequest)[] = [
    () => signedRequest("byte order mark", `\uFEFF${body}`),
    () => signedRequest("UTF-16", Buffer.from(body, "utf16le")),
    () =>
      signedRequest(
        "invalid UTF-8",
        Buffer.concat([bytes.subarray(0, -2), badUtf8(random), bytes.subarray(-2)]),
      ),
    () => signedRequest("a NUL byte", Buffer.concat([bytes.subarray(0, -1), Buffer.from("\0}")])),
    () => signedRequest("cut short", bytes.subarray(0, random.int(0, bytes.length - 1))),
    () => signedRequest("two values", body + body),
    () => signedRequest("white space around", ` \n\t${body}\r\n `),
    () => signedRequest("a comment", `${body}// comment`),
    () =>
      signedRequest("no JSON", random.pick(["", " ", "null", "[]", "0", '"text"', "NaN", "<xml/>", "a=b"])),
    () => signedRequest("random bytes", flipped(bytes, random, random.int(1, 20))),
    () => signedRequest("large", padded(body, random.pick([60_000, 70_000, 300_000]))),
  ];
  // These are rare, because they take long.
  if (random.chance(0.02)) return signedRequest("1 MiB", padded(body, MIB));
  if (random.chance(0.02)) return { ...signedRequest("over 1 MiB", padded(body, MIB + 1)), mayStore: false };
  return random.pick(tricks)();
}

function badUtf8(random: Random): Buffer {
  return Buffer.from(random.pick(["c080", "80", "f8888080", "eda080", "f5808080", "ff", "e282"]), "hex");
}

function flipped(bytes: Buffer, random: Random, times: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let time = 0; time < times; time++) copy[random.int(0, copy.length - 1)] = random.int(0, 255);
  return copy;
}

function padded(body: string, size: number): string {
  return body.replace(/}$/, `,"filler":"${"x".repeat(size - Buffer.byteLength(body) - 12)}"}`);
}

/** A correct body with a wrong signature. */
function hostileSignature(random: Random, target: Target): HostileRequest {
  const body = bodyOf(event(random, target));
  const good = signatureOf(body);
  const raw = Buffer.from(good, "base64");
  const forgeries: Readonly<Record<string, string | string[] | undefined>> = {
    missing: undefined,
    empty: "",
    truncated: good.slice(0, random.int(1, 43)),
    extended: `${good}${random.pick(["=", "A", "==", ","])}`,
    "upper case": good.toUpperCase(),
    "lower case": good.toLowerCase(),
    "URL-safe base64": `${raw.toString("base64url")} `.trim(),
    hexadecimal: raw.toString("hex"),
    "binary text": encodeURIComponent(raw.toString("latin1")),
    "sent twice": [good, good],
    "in a list": `${good}, ${good}`,
    "with a scheme": `sha256=${good}`,
    quoted: `"${good}"`,
    "of another key": signBody("another key", NOTIFICATION_URL, body),
    "of no key": signBody("", NOTIFICATION_URL, body),
    "of the key twice": signBody(SIGNATURE_KEY.repeat(2), NOTIFICATION_URL, body),
    "of another URL": signBody(SIGNATURE_KEY, `${NOTIFICATION_URL}/`, body),
    "of the body alone": signBody(SIGNATURE_KEY, "", body),
    "of another body": signatureOf(`${body} `),
    "one bit off": flippedText(good, random),
    "a word": random.pick([
      "true",
      "null",
      "undefined",
      "*",
      "0",
      "admin",
      good.split("").reverse().join(""),
    ]),
  };
  const trick = random.pick(Object.keys(forgeries));
  const forged = forgeries[trick];
  const changed = random.weighted({ no: 8, legacy: 1, altered: 3 });
  if (changed === "legacy") return delivery("in the old header", body, { "x-square-signature": good }, false);
  if (changed === "altered") {
    const other = random.pick([`${body} `, `\uFEFF${body}`, JSON.stringify(JSON.parse(body), null, 1)]);
    return delivery("not the signed body", other, { [SIGNATURE]: good }, false);
  }
  return delivery(
    `signature ${trick}`,
    body,
    forged === undefined ? {} : { [SIGNATURE]: forged },
    forged === good,
  );
}

function flippedText(text: string, random: Random): string {
  const at = random.int(0, text.length - 2);
  return `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
}

/** Correct events in unusual HTTP requests. */
function hostileTransport(random: Random, target: Target): HostileRequest {
  const body = bodyOf(event(random, target));
  const signature = { [SIGNATURE]: signatureOf(body) };
  const zipped = gzipSync(body);
  const tricks: readonly (() => HostileRequest)[] = [
    () => {
      const types = [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json5",
        "*/*",
        "\u00e9",
      ];
      return delivery(
        "another media type",
        body,
        { ...signature, "content-type": random.pick(types) },
        false,
      );
    },
    () =>
      delivery(
        "another charset",
        body,
        { ...signature, "content-type": "application/json; charset=utf-16" },
        true,
      ),
    () => delivery("gzip", zipped, { [SIGNATURE]: signatureOf(zipped), "content-encoding": "gzip" }, false),
    () => delivery("gzip over signed JSON", zipped, { ...signature, "content-encoding": "gzip" }, false),
    () =>
      delivery("a gzip bomb", bomb, { [SIGNATURE]: signatureOf(bomb), "content-encoding": "gzip" }, false),
    () => delivery("gzip header over plain JSON", body, { ...signature, "content-encoding": "gzip" }, true),
    () => {
      const { "content-length": _, ...headers } = delivery("", body, signature, true).headers;
      const chunked = { ...headers, "transfer-encoding": "chunked" };
      return { ...delivery("chunked", body, {}, true), headers: chunked };
    },
    () => ({
      ...signedRequest("another method", body),
      method: random.pick(["PUT", "PATCH", "DELETE", "OPTIONS"]),
      mayStore: false,
    }),
    () => ({
      ...signedRequest("another path", body),
      path: random.pick(["/webhooks//square", "/WEBHOOKS/SQUARE", "/webhooks/square;x"]),
      mayStore: false,
    }),
    () => ({ ...signedRequest("a slash at the end", body), path: "/webhooks/square/" }),
    () => ({ ...signedRequest("a query", body), path: "/webhooks/square?__proto__[x]=1&a[]=1&a=2" }),
    () =>
      delivery(
        "forwarding headers",
        body,
        {
          ...signature,
          "x-forwarded-host": "evil.example",
          "x-forwarded-for": "' or 1=1",
          "x-http-method-override": "DELETE",
          host: "evil.example",
        },
        true,
      ),
    () => delivery("a header of 12 kilobytes", body, { ...signature, "x-long": "x".repeat(12_000) }, true),
  ];
  return random.pick(tricks)();
}
