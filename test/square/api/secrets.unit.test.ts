import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SquareApiError } from "../../../src/square/api/api-error.js";
import { type Answer, clientOf, failureOf, json, refusal, serverThat, TOKEN } from "./support.js";

/** Everything of a value that a log could show. */
function everything(value: unknown): string {
  const error = value as Partial<SquareApiError>;
  return [
    inspect(value, {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      getters: true,
      maxStringLength: null,
    }),
    String(value),
    error.stack,
    JSON.stringify(value),
    JSON.stringify(value, Object.getOwnPropertyNames(value)),
  ].join("\n");
}

const written: string[] = [];

beforeEach(() => {
  written.length = 0;
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((chunk) => written.push(String(chunk)) > 0);
  }
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...values) => void written.push(inspect(values)));
  }
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the access token shows nowhere", () => {
  it("in the client, before and after a call", async () => {
    const { url } = await serverThat(json({ locations: [{ id: "L" }] }));
    const api = clientOf(url);
    expect(everything(api)).not.toContain(TOKEN);
    await api.locations();
    expect(everything(api)).not.toContain(TOKEN);
    expect(written.join("")).not.toContain(TOKEN);
  });

  it.each<[string, Answer]>([
    ["401", refusal(401, "UNAUTHORIZED")],
    ["500", refusal(500, "INTERNAL_SERVER_ERROR")],
    ["an answer that repeats it", json({ errors: [{ code: TOKEN, detail: TOKEN }] }, 400)],
    ["a 200 that repeats it", json(`{"errors":"${TOKEN}"}`)],
    ["text that repeats it", (response) => void response.writeHead(200).end(`Bearer ${TOKEN}`)],
    ["a reset connection", (response) => void response.socket?.resetAndDestroy()],
    ["no answer in time", () => {}],
  ])("in the error after %s, nor in what is written", async (_, answer) => {
    const { url } = await serverThat(answer);
    const retries: unknown[] = [];
    const error = await failureOf(
      clientOf(url, { timeoutMs: 50, onRetry: (retry) => retries.push(retry) }).locations(),
    );
    expect(everything(error)).not.toContain(TOKEN);
    expect(everything(retries)).not.toContain(TOKEN);
    expect(written.join("")).not.toContain(TOKEN);
  });

  it.each([`${TOKEN}\n`, `${TOKEN}\u0000`, `${TOKEN} `, `${TOKEN}\u2713`, ""])(
    "in the error when no header can carry it: %j",
    async (accessToken) => {
      const { url, seen } = await serverThat(json({ locations: [{ id: "L" }] }));
      const error = await failureOf(clientOf(url, { accessToken }).locations());
      expect(error.code).toBe("square_unauthorized");
      expect(everything(error)).not.toContain(TOKEN);
      expect(seen).toEqual([]);
    },
  );

  it("to the host that an answer redirects to", async () => {
    const elsewhere = await serverThat(json({ locations: [{ id: "L" }] }));
    const { url } = await serverThat(json("", 307, { location: `${elsewhere.url}/v2/locations` }));
    await failureOf(clientOf(url).locations());
    expect(elsewhere.seen).toEqual([]);
  });
});
