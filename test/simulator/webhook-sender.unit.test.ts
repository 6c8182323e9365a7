import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { SquareEventJson } from "../../src/simulator/objects.js";
import { type DeliveryFacts, postEvent, webhookHeaders } from "../../src/simulator/post-event.js";
import { retrySchedule, type SenderOptions, WebhookSender } from "../../src/simulator/webhook-sender.js";
import { DAY, HOUR, MINUTE } from "../../src/simulator/world.js";
import { END, START, turbulentSalon, unfold } from "./ask-square.js";

interface Posted {
  readonly at: number;
  readonly event: SquareEventJson;
  readonly facts: DeliveryFacts;
}

/** A sender over a small salon, and every attempt that reached the endpoint. */
function sending(
  options: Partial<SenderOptions> & { readonly answer?: (posted: Posted) => number } = {},
  salon = turbulentSalon(1),
) {
  const { answer = () => 200, ...rest } = options;
  const posted: Posted[] = [];
  const sender: WebhookSender = new WebhookSender(salon, {
    seed: 1,
    sign: (body) => `signed ${body.length}`,
    post: async (body, signature, facts) => {
      expect(signature).toBe(`signed ${body.length}`);
      const one = { at: sender.now.getTime(), event: JSON.parse(body), facts };
      posted.push(one);
      return { status: answer(one) };
    },
    ...rest,
  });
  return { sender, posted, salon };
}

const history = [...turbulentSalon(1).events()];
const ids = (posted: readonly Posted[]): string[] => posted.map(({ event }) => event.event_id);

test("by default each event is delivered once, at its time and in its order", async () => {
  const { sender, posted } = sending();
  await sender.finish();
  expect(posted.map(({ at, event }) => [at, event])).toEqual(
    history.map(({ at, event }) => [at.getTime(), event]),
  );
  const count = history.length;
  expect(sender.tally).toEqual({
    events: count,
    duplicated: 0,
    dropped: 0,
    sent: count,
    retried: 0,
    delivered: count,
    discarded: 0,
  });
});

test("the salon lives no further than the clock, and what is due at an instant waits for the next", async () => {
  const { sender, posted, salon } = sending();
  const [, , third] = history;
  await sender.advanceTo(third?.at as Date);
  expect(posted.every(({ at }) => at < +(third?.at as Date))).toBe(true);
  expect(sender.now).toEqual(third?.at);
  const middle = new Date("2025-03-01T00:00:00Z");
  await sender.advanceTo(middle);
  expect(posted).toHaveLength(history.filter(({ at }) => at < middle).length);
  expect(salon.truth).toEqual(unfold(turbulentSalon(1), middle).truth);
});

describe("an endpoint that never answers 2xx", () => {
  test("is tried 11 times more within a day, by Square's schedule, and then the event is discarded", async () => {
    expect(retrySchedule.map((wait) => wait / MINUTE)).toEqual([1, 2, 4, 8, 16, 32, 60, 120, 240, 480, 480]);
    const { sender, posted } = sending({ answer: () => 500 });
    await sender.finish();
    const [first] = history;
    const attempts = posted.filter(({ event }) => event.event_id === first?.event.event_id);
    let at = first?.at.getTime() ?? 0;
    expect(attempts.map((one) => one.at)).toEqual([at, ...retrySchedule.map((wait) => (at += wait))]);
    expect(at - (first?.at.getTime() ?? 0)).toBe(1443 * MINUTE);
    expect(attempts.map(({ facts }) => facts.retry?.number)).toEqual([
      undefined,
      ...retrySchedule.map((_, index) => index + 1),
    ]);
    for (const { facts } of attempts) expect(facts.initialDelivery).toEqual(first?.at);
    const count = history.length;
    expect(sender.tally).toMatchObject({
      sent: 12 * count,
      retried: 11 * count,
      discarded: count,
      delivered: 0,
    });
    expect(sender.pending).toBe(0);
  });

  test("is told why the attempt before failed", async () => {
    const port = await silentServer();
    const failing: SenderOptions["post"][] = [
      async () => ({ status: 302 }),
      (body, signature) => postEvent(`http://127.0.0.1:${port}/`, body, signature, { timeout: 20 }),
      (body, signature) => postEvent("http://127.0.0.1:1/", body, signature),
    ];
    const reasons: unknown[] = [];
    const sender = new WebhookSender(
      { events: () => history.slice(0, 1).values() as Generator<(typeof history)[number]> },
      {
        seed: 1,
        sign: () => "",
        post: async (body, signature, facts) => {
          reasons.push(facts.retry?.reason);
          const post = failing.shift();
          return post ? post(body, signature, facts) : { status: 200 };
        },
      },
    );
    await sender.finish();
    expect(reasons).toEqual([undefined, "http_error", "http_timeout", "other_error"]);
    expect(sender.tally).toMatchObject({ delivered: 1, sent: 4, retried: 3 });
  });
});

/** Takes connections and says nothing. */
async function silentServer(): Promise<number> {
  const server = createServer(() => {});
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

test("an outage of six hours loses nothing; one of two days loses what is older than the last retry", async () => {
  const from = new Date("2025-02-10T00:00:00Z");
  const cut = async (hours: number) => {
    const to = new Date(from.getTime() + hours * HOUR);
    const { sender, posted } = sending({ outages: [{ from, to }] });
    await sender.finish();
    expect(posted.filter(({ at }) => at >= +from && at < +to)).toEqual([]);
    return { sender, posted, to };
  };
  const short = await cut(6);
  expect(short.sender.tally).toMatchObject({ delivered: history.length, discarded: 0 });
  expect(short.sender.tally.retried).toBeGreaterThan(0);
  expect(new Set(ids(short.posted)).size).toBe(history.length);
  const long = await cut(48);
  const lost = history.filter(({ at }) => at >= from && at.getTime() + 1443 * MINUTE < long.to.getTime());
  expect(lost.length).toBeGreaterThan(0);
  expect(long.sender.tally.discarded).toBe(lost.length);
  const arrived = new Set(ids(long.posted));
  for (const { event } of lost) expect(arrived.has(event.event_id)).toBe(false);
});

test("some events come twice, some never, and the rest in another order, the same for the same seed", async () => {
  const run = async (seed: number) => {
    const { sender, posted } = sending({ seed, duplicates: 0.2, drops: 0.1, spread: 2 * DAY });
    await sender.finish();
    return { order: ids(posted), tally: sender.tally };
  };
  const { order, tally } = await run(7);
  expect((await run(7)).order).toEqual(order);
  expect((await run(8)).order).not.toEqual(order);
  const { events, duplicated, dropped, delivered, sent } = tally;
  expect(events).toBe(history.length);
  expect(delivered).toBe(events - dropped + duplicated);
  expect(sent).toBe(delivered);
  expect(dropped / events).toBeCloseTo(0.1, 1);
  expect(duplicated / (events - dropped)).toBeCloseTo(0.2, 1);
  expect(new Set(order).size).toBe(events - dropped);
  const inOrder = history.map(({ event }) => event.event_id).filter((id) => order.includes(id));
  expect([...new Set(order)]).not.toEqual(inOrder);
});

test("chosen events are never sent, and their loss does not touch the others", async () => {
  const isMerge = ({ data }: SquareEventJson): boolean => data.object?.event_context !== undefined;
  const { sender, posted } = sending({ drops: isMerge, duplicates: 0.2, spread: HOUR });
  await sender.finish();
  const whole = sending({ duplicates: 0.2, spread: HOUR });
  await whole.sender.finish();
  expect(ids(posted)).toEqual(ids(whole.posted.filter(({ event }) => !isMerge(event))));
  expect(sender.tally.dropped).toBeGreaterThan(0);
});

test("several deliveries under way at once are the same deliveries", async () => {
  const options = { duplicates: 0.1, spread: HOUR, answer: ({ facts }: Posted) => (facts.retry ? 200 : 503) };
  const [one, many] = [sending(options), sending({ ...options, atOnce: 8 })];
  await one.sender.finish();
  await many.sender.finish();
  expect(many.sender.tally).toEqual(one.sender.tally);
  expect(ids(many.posted).sort()).toEqual(ids(one.posted).sort());
});

test("a rate that is none is refused", () => {
  expect(() => sending({ drops: 1.5 })).toThrow(RangeError);
  expect(() => sending({ duplicates: Number.NaN })).toThrow(RangeError);
});

test("the headers are Square's", () => {
  const retry = { number: 3, reason: "http_error" } as const;
  expect(webhookHeaders("{}", "abc", { initialDelivery: START, retry })).toMatchObject({
    "x-square-hmacsha256-signature": "abc",
    "square-initial-delivery-timestamp": "2025-01-01T00:00:00.000Z",
    "square-retry-number": 3,
    "square-retry-reason": "http_error",
  });
  expect(webhookHeaders("{}", "abc", { initialDelivery: END })).not.toHaveProperty("square-retry-number");
});
