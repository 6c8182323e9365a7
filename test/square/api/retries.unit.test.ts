import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Retry } from "../../../src/square/api/client.js";
import {
  type Answer,
  clientOf,
  failureOf,
  inTurn,
  json,
  passingTime,
  refusal,
  serverThat,
} from "./support.js";

const fine = json({ locations: [{ id: "L" }] });
const LOCATIONS = [{ id: "L" }];

const html: Answer = (response) =>
  void response.writeHead(200, { "content-type": "text/html" }).end("<html>");
const reset: Answer = (response) => void response.socket?.resetAndDestroy();
const silence: Answer = () => {};
/** The head at once, then a byte now and then, for ever. */
const trickling =
  (status: number): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), 5);
    response.on("close", () => clearInterval(timer));
  };
const cutOff =
  (status: number): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", "content-length": 100 });
    response.write('{"locations":[', () => response.destroy());
  };

describe("passes by itself, so it is tried again", () => {
  it.each<[string, Answer]>([
    ["408", refusal(408, "REQUEST_TIMEOUT")],
    ["429", refusal(429, "RATE_LIMITED")],
    ["500", refusal(500, "INTERNAL_SERVER_ERROR")],
    ["502 of a proxy", (response) => void response.writeHead(502).end("Bad Gateway")],
    ["503", refusal(503, "SERVICE_UNAVAILABLE")],
    ["a reset connection", reset],
    ["no answer in time", silence],
    ["a body that trickles for ever", trickling(200)],
    ["a body that breaks off", cutOff(200)],
    ["HTML with 200", html],
    ["JSON that breaks off", json('{"locations":[{"id":"L"}')],
    ["an empty body", json("")],
    ["errors with 200", json({ errors: [] })],
    ["a list that is none", json({ locations: "oops" })],
  ])("%s", async (_, failure) => {
    const { url, seen } = await serverThat(inTurn(failure, failure, fine));
    expect(await clientOf(url, { timeoutMs: 1_000 }).locations()).toEqual(LOCATIONS);
    expect(seen).toHaveLength(3);
  });

  it("each kind of failure by itself: a page without sense after two 429 is the first of its kind", async () => {
    const limited = refusal(429, "RATE_LIMITED");
    const { url, seen } = await serverThat(inTurn(limited, limited, html, limited, html, fine));
    expect(await clientOf(url).locations()).toEqual(LOCATIONS);
    expect(seen).toHaveLength(6);
  });

  it("a server that is not there yet", async () => {
    const server = createServer((_, response) => fine(response, undefined as never, 0));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { now } = passingTime();
    const wait = () => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const api = clientOf(`http://127.0.0.1:${port}`, { now, wait });
    expect(await api.locations()).toEqual(LOCATIONS);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("ends in an error", () => {
  it.each<[string, Answer, string, number]>([
    ["401", refusal(401, "UNAUTHORIZED"), "square_unauthorized", 1],
    ["403", refusal(403, "INSUFFICIENT_SCOPES"), "square_forbidden", 1],
    ["404", refusal(404, "NOT_FOUND"), "square_not_found", 1],
    ["400", refusal(400, "BAD_REQUEST"), "square_bad_request", 1],
    ["422", refusal(422, "VALUE_TOO_LONG"), "square_bad_request", 1],
    ["400 for the cursor", refusal(400, "INVALID_CURSOR"), "square_invalid_cursor", 1],
    [
      "400 that complains about the field cursor",
      json({ errors: [{ code: "INVALID_VALUE", field: "cursor" }] }, 400),
      "square_invalid_cursor",
      1,
    ],
    ["401 with half of its JSON", json('{"errors":[', 401), "square_unauthorized", 1],
    ["401 with a body that breaks off", cutOff(401), "square_unauthorized", 1],
    ["401 with a body that trickles for ever", trickling(401), "square_unauthorized", 1],
    ["nonsense, after three attempts", html, "square_invalid_response", 3],
    [
      "a redirect, which nobody follows",
      json("", 302, { location: "/v2/locations" }),
      "square_invalid_response",
      3,
    ],
    ["429, after five attempts", refusal(429, "RATE_LIMITED"), "square_rate_limited", 5],
    ["500, after five attempts", refusal(500, "INTERNAL_SERVER_ERROR"), "square_unavailable", 5],
    ["a reset connection, after five attempts", reset, "square_unavailable", 5],
    ["silence, after three attempts", silence, "square_timed_out", 3],
    ["a trickling body, after three attempts", trickling(200), "square_timed_out", 3],
  ])("%s", async (_, failure, code, requests) => {
    const { url, seen } = await serverThat(failure);
    const error = await failureOf(clientOf(url, { timeoutMs: 500 }).locations());
    expect({ code: error.code, requests: seen.length }).toEqual({ code, requests });
  });

  it("that names method, path, attempt, status and Square's codes, and quotes nothing", async () => {
    const { url } = await serverThat(refusal(403, "INSUFFICIENT_SCOPES"));
    const updatedFrom = new Date("2026-03-01T00:00:00Z");
    const filter = { updatedFrom, updatedTo: updatedFrom, locationId: "L", cursor: "private-cursor" };
    const error = await failureOf(clientOf(url).payments(filter));
    expect(error.message).toBe("GET /v2/payments, attempt 1: HTTP 403 INSUFFICIENT_SCOPES");
    expect(error).toMatchObject({ status: 403, squareCodes: ["INSUFFICIENT_SCOPES"] });
  });

  it.each([
    ["7", 7_000],
    ["86400", 86_400_000],
    ["Sun, 08 Mar 2026 11:00:00 GMT", 0],
    ["soon", undefined],
  ])("that tells how long Square asked to wait: %s", async (value, retryAfterMs) => {
    const { url } = await serverThat(refusal(429, "RATE_LIMITED", { "retry-after": value, date: "" }));
    expect((await failureOf(clientOf(url).locations())).retryAfterMs).toBe(retryAfterMs);
  });

  it("that quotes no code that looks unlike one", async () => {
    const { url } = await serverThat(
      json({ errors: [{ code: "jane@example.com" }, { code: 5 }, "oops"] }, 400),
    );
    expect((await failureOf(clientOf(url).locations())).message).toBe(
      "GET /v2/locations, attempt 1: HTTP 400",
    );
  });
});

describe("the wait before the next attempt", () => {
  /** The waits between the attempts of one call. */
  async function waitsOf(answer: Answer, random = 0): Promise<number[]> {
    const { url } = await serverThat(answer);
    const time = passingTime(Date.parse("2026-03-08T12:00:00Z"));
    await clientOf(url, { ...time, random: () => random })
      .locations()
      .catch(() => undefined);
    return time.waits;
  }
  const failing = (headers: Record<string, string>, status = 429) => refusal(status, "RATE_LIMITED", headers);

  it("doubles", async () => {
    expect(await waitsOf(refusal(500, "INTERNAL_SERVER_ERROR"))).toEqual([500, 1000, 2000, 4000]);
  });

  it("loses up to its half by jitter", async () => {
    expect(await waitsOf(refusal(500, "INTERNAL_SERVER_ERROR"), 0.999_999)).toEqual([250, 500, 1000, 2000]);
  });

  it.each([
    ["as many seconds as Square says", { "retry-after": "7" }, 7_000],
    ["until the date that Square says", { "retry-after": "Sun, 08 Mar 2026 12:00:09 GMT", date: "" }, 9_000],
    [
      "until that date by Square's own clock",
      { "retry-after": "Sun, 08 Mar 2026 03:00:11 GMT", date: "Sun, 08 Mar 2026 03:00:00 GMT" },
      11_000,
    ],
    ["a minute at most", { "retry-after": "86400" }, 60_000],
    ["never less than the usual one", { "retry-after": "0" }, 500],
    [
      "the usual one when the date has passed",
      { "retry-after": "Sun, 08 Mar 2026 11:00:00 GMT", date: "" },
      500,
    ],
    ["the usual one when the header makes no sense", { "retry-after": "soon" }, 500],
  ])("is %s", async (_, headers, ms) => {
    expect(await waitsOf(inTurn(failing(headers), fine))).toEqual([ms]);
    expect(await waitsOf(inTurn(failing(headers, 503), fine))).toEqual([ms]);
  });

  it("is told, so that it can be logged", async () => {
    const { url } = await serverThat(inTurn(failing({ "retry-after": "7" }), html, fine));
    const retries: Retry[] = [];
    await clientOf(url, { onRetry: (retry) => retries.push(retry) }).locations();
    expect(retries).toEqual([
      { request: "GET /v2/locations", attempt: 1, code: "square_rate_limited", waitMs: 7_000 },
      { request: "GET /v2/locations", attempt: 2, code: "square_invalid_response", waitMs: 1_000 },
    ]);
  });
});

describe("a body larger than allowed", () => {
  const maxBodyBytes = 1_000_000;

  it("is not read to its end, which never comes here", async () => {
    const { url } = await serverThat((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, " ")));
      };
      response.on("drain", more);
      more();
    });
    const error = await failureOf(clientOf(url, { maxBodyBytes }).locations());
    expect(error.code).toBe("square_invalid_response");
    expect(error.message).toContain("larger than 1000000 bytes");
  });

  it("is measured unpacked", async () => {
    const packed = gzipSync(Buffer.alloc(50_000_000, " "));
    expect(packed.length).toBeLessThan(maxBodyBytes);
    const { url } = await serverThat((response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(packed);
    });
    expect((await failureOf(clientOf(url, { maxBodyBytes }).locations())).message).toContain("larger than");
  });
});
