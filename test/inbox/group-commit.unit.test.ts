import { describe, expect, test } from "vitest";
import { GroupCommit, type Lane, QueueClosed, QueueFull } from "../../src/inbox/group-commit.js";

/** A queue whose transactions end when the test says so. */
function open({ maxBatch = 100, maxQueued = 100, maxQueuedInLane = 100, maxInFlight = 10 } = {}) {
  const started: { key: string; items: readonly string[]; end(error?: Error): void }[] = [];
  const queue = new GroupCommit<Lane, string, string>({
    process: ({ key }, items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve(items.map((item) => `${item} done`)));
        started.push({ key, items, end });
      }),
    maxBatch,
    maxQueued,
    maxQueuedInLane,
    maxInFlight,
  });
  const batches = () => started.map(({ key, items }) => `${key}: ${items.join(" ")}`);
  /** Ends a transaction; what waited for it has started when this resolves. */
  const end = async (index: number, error?: Error) => {
    started[index]?.end(error);
    for (let turn = 0; turn < 10; turn++) await null;
  };
  return { queue, batches, end };
}

describe("group commit", () => {
  test("a lone item starts at once", () => {
    const { queue, batches } = open();
    void queue.submit({ key: "salon" }, "a");
    expect(batches()).toEqual(["salon: a"]);
    expect(queue.queued).toBe(0);
  });

  test("what arrives in flight goes together into the next transaction, in order, and each gets its own answer", async () => {
    const { queue, batches, end } = open();
    const answers = ["a", "b", "c"].map((item) => queue.submit({ key: "salon" }, item));
    expect([batches(), queue.queued]).toEqual([["salon: a"], 2]);
    await end(0);
    expect([batches(), queue.queued]).toEqual([["salon: a", "salon: b c"], 0]);
    await end(1);
    expect(await Promise.all(answers)).toEqual(["a done", "b done", "c done"]);
  });

  test("a batch is no larger than allowed", async () => {
    const { queue, batches, end } = open({ maxBatch: 2 });
    for (const item of ["a", "b", "c", "d"]) void queue.submit({ key: "salon" }, item);
    await end(0);
    await end(1);
    expect(batches()).toEqual(["salon: a", "salon: b c", "salon: d"]);
  });

  test("one organization's transaction does not keep another's waiting", () => {
    const { queue, batches } = open();
    void queue.submit({ key: "salon" }, "a");
    void queue.submit({ key: "spa" }, "b");
    expect(batches()).toEqual(["salon: a", "spa: b"]);
  });

  test("a busy organization does not starve the others when transactions are few", async () => {
    const { queue, batches, end } = open({ maxBatch: 1, maxInFlight: 1 });
    for (const item of ["a", "b", "c"]) void queue.submit({ key: "salon" }, item);
    for (const item of ["d", "e"]) void queue.submit({ key: "spa" }, item);
    for (const index of [0, 1, 2, 3, 4]) await end(index);
    expect(batches()).toEqual(["salon: a", "salon: b", "spa: d", "salon: c", "spa: e"]);
  });

  test("past the bound an item is refused, and there is room again once the next transaction begins", async () => {
    const { queue, end } = open({ maxQueued: 1 });
    void queue.submit({ key: "salon" }, "a");
    void queue.submit({ key: "salon" }, "b");
    await expect(queue.submit({ key: "salon" }, "c")).rejects.toBeInstanceOf(QueueFull);
    await end(0);
    void queue.submit({ key: "salon" }, "d");
    expect(queue.queued).toBe(1);
  });

  test("an organization whose transaction does not end leaves room for the others", async () => {
    const { queue, batches } = open({ maxQueued: 4, maxQueuedInLane: 2 });
    for (const item of ["a", "b", "c"]) void queue.submit({ key: "salon" }, item);
    await expect(queue.submit({ key: "salon" }, "d")).rejects.toBeInstanceOf(QueueFull);
    void queue.submit({ key: "spa" }, "e");
    expect(batches()).toEqual(["salon: a", "spa: e"]);
  });

  test("a transaction that fails fails its own items only", async () => {
    const { queue, end } = open();
    const failed = [queue.submit({ key: "salon" }, "a")];
    const next = queue.submit({ key: "salon" }, "b");
    await end(0, new Error("lost"));
    await end(1);
    expect(await Promise.allSettled(failed)).toMatchObject([{ reason: { message: "lost" } }]);
    expect(await next).toBe("b done");
  });

  test("closing finishes what was taken and refuses the rest, however often it is asked", async () => {
    const { queue, end } = open();
    const taken = [queue.submit({ key: "salon" }, "a"), queue.submit({ key: "salon" }, "b")];
    let closed = 0;
    const closing = [queue.close(), queue.close()].map((close) => close.then(() => closed++));
    await expect(queue.submit({ key: "salon" }, "c")).rejects.toBeInstanceOf(QueueClosed);
    await end(0);
    expect(closed).toBe(0);
    await end(1);
    await Promise.all(closing);
    expect(await Promise.all(taken)).toEqual(["a done", "b done"]);
  });
});
