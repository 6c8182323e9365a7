import { describe, expect, it } from "vitest";
import { bisectOnFailure } from "../../src/database/bisect.js";

const ids = Array.from({ length: 250 }, (_, index) => `c${index}`);

/** Runs work that fails when one of the culprits is among its ids. */
async function withCulprits(culprits: readonly string[], error: Error) {
  const failed: string[] = [];
  let calls = 0;
  const results = await bisectOnFailure(
    ids,
    async (part) => {
      calls += 1;
      if (part.some((id) => culprits.includes(id))) throw error;
      return part;
    },
    (id) => {
      failed.push(id);
    },
  );
  return { failed, calls, done: results.flat() };
}

describe("work over many customers", () => {
  it("is one piece when nothing fails, and none when there is nobody", async () => {
    expect(await withCulprits([], new Error())).toEqual({ failed: [], calls: 1, done: ids });
    const nobody = await bisectOnFailure(
      [],
      () => Promise.reject(new Error("called")),
      () => {},
    );
    expect(nobody).toEqual([]);
  });

  it.each([
    ["a failure of the work", new TypeError("broken")],
    ["too little memory", Object.assign(new Error(), { code: "53200" })],
    ["too little time", new Error("Query read timeout")],
  ])(
    "is halved at %s until the culprits stand alone, and the others are done in their order",
    async (_, error) => {
      const culprits = ["c0", "c131", "c249"];
      const { failed, calls, done } = await withCulprits(culprits, error);
      expect(failed).toEqual(culprits);
      expect(done).toEqual(ids.filter((id) => !culprits.includes(id)));
      expect(calls).toBeLessThan(60);
    },
  );

  it("answers the results in the order of the items, with what stands in for a culprit's in its place", async () => {
    const results = await bisectOnFailure(
      [1, 2, 3, 4],
      async (part) => {
        if (part.includes(2)) throw new Error();
        return part;
      },
      async (item) => [-item],
    );
    expect(results.flat()).toEqual([1, -2, 3, 4]);
  });

  it.each([
    ["the server shuts down", Object.assign(new Error(), { code: "57P01" })],
    ["the connection breaks", Object.assign(new Error(), { code: "ECONNRESET" })],
    ["no connection is free in time", new Error("timeout exceeded when trying to connect")],
  ])("ends at once when the database is gone: %s", async (_, error) => {
    await expect(withCulprits(["c249"], error)).rejects.toBe(error);
  });
});
