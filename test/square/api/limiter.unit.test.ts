import { expect, it } from "vitest";
import { clientOf, inTurn, json, passingTime, refusal, serverThat } from "./support.js";

const fine = json({ locations: [{ id: "L" }] });

/** Time that stands still: what is asked for at once is seen as waits from one and the same instant. */
function standingTime() {
  const waits: number[] = [];
  return {
    waits,
    now: () => 1_000_000,
    wait: async (ms: number) => {
      waits.push(ms);
    },
  };
}

it("requests of one merchant keep their distance, also when they come at once", async () => {
  const { url } = await serverThat(fine);
  const time = standingTime();
  const api = clientOf(url, { ...time, requestsPerSecond: 5 });
  await Promise.all(Array.from({ length: 5 }, () => api.locations()));
  expect(time.waits.sort((a, b) => a - b)).toEqual([200, 400, 600, 800]);
});

it("two clients of one merchant share its rate, another merchant has its own", async () => {
  const { url } = await serverThat(fine);
  const time = standingTime();
  const options = { ...time, requestsPerSecond: 5 };
  const clients = [
    clientOf(url, options),
    clientOf(url, options),
    clientOf(url, { ...options, merchantId: "OTHER" }),
  ];
  await Promise.all(clients.flatMap((api) => [api.locations(), api.locations()]));
  expect(time.waits.sort((a, b) => a - b)).toEqual([200, 200, 400, 600]);
});

it("who comes late enough does not wait, and unused turns are not saved up", async () => {
  const { url } = await serverThat(fine);
  const time = passingTime();
  const api = clientOf(url, { ...time, requestsPerSecond: 5 });
  await api.locations();
  await time.wait(60_000);
  await Promise.all([api.locations(), api.locations()]);
  expect(time.waits).toEqual([60_000, 200]);
});

it("attempts count as requests", async () => {
  const { url } = await serverThat(inTurn(refusal(500, "INTERNAL_SERVER_ERROR"), fine));
  const time = standingTime();
  await clientOf(url, { ...time, requestsPerSecond: 5 }).locations();
  expect(time.waits).toEqual([500, 200]);
});

it("when Square says that it is too much, the merchant's other requests wait as well", async () => {
  const { url } = await serverThat(inTurn(refusal(429, "RATE_LIMITED", { "retry-after": "30" }), fine));
  const time = standingTime();
  const options = { ...time, requestsPerSecond: 5 };
  await clientOf(url, { ...options, attempts: 2 }).locations();
  await clientOf(url, options).locations();
  expect(time.waits).toEqual([30_000, 30_000, 30_200]);
});
