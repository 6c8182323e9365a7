import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openSquareApi } from "../../../src/square/api/client.js";

/** A Square that takes requests and answers `status`, or never. */
async function square(status: number | "never") {
  let taken = () => {};
  const asked = new Promise<void>((resolve) => {
    taken = resolve;
  });
  const server = createServer((_request, response) => {
    taken();
    if (status !== "never") response.writeHead(status, { "retry-after": "60" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, asked };
}

test.each([
  ["a request that is under way", "never" as const],
  ["the wait before another attempt", 429],
])("a process that stops does not wait for %s", async (_what, status) => {
  const { baseUrl, asked } = await square(status);
  const stop = new AbortController();
  const api = openSquareApi({
    accessToken: "token",
    merchantId: `ML-${status}`,
    environment: "sandbox",
    baseUrl,
    signal: stop.signal,
  });
  const answer = api.merchant();
  answer.catch(() => {});
  await asked;
  stop.abort();
  await expect(answer).rejects.toMatchObject({ code: "square_interrupted" });
  await expect(api.locations(), "nor for its turn").rejects.toMatchObject({ code: "square_interrupted" });
});
