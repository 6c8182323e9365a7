import { describe, expect, it } from "vitest";
import type { Page } from "../../../src/square/api/api.js";
import { pages } from "../../../src/square/api/pages.js";
import { clientOf, failureOf, json, serverThat } from "./support.js";

function page(ids: readonly string[], cursor: string | null): Page {
  return { objects: ids.map((id) => ({ id })), cursor };
}

/** Reads all pages that `fetchPage` gives, and tells the cursors it was asked for. */
async function readAll(fetchPage: (page: number, cursor?: string) => Page, from?: string) {
  const cursors: (string | undefined)[] = [];
  const ids: string[][] = [];
  const fetch = async (cursor?: string) => {
    cursors.push(cursor);
    return fetchPage(cursors.length, cursor);
  };
  for await (const { objects } of pages(fetch, from)) ids.push(objects.map(({ id }) => String(id)));
  return { cursors, ids };
}

const numbered = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `id-${first + index}`);

describe("pages are followed", () => {
  it("from the first to the one without a cursor", async () => {
    const { cursors, ids } = await readAll((n) => page([`id-${n}`], n < 3 ? `cursor-${n}` : null));
    expect(cursors).toEqual([undefined, "cursor-1", "cursor-2"]);
    expect(ids).toEqual([["id-1"], ["id-2"], ["id-3"]]);
  });

  it("from a cursor that was kept", async () => {
    const { cursors } = await readAll(() => page(["id"], null), "kept");
    expect(cursors).toEqual(["kept"]);
  });

  it("one at a time: none is fetched before the last one was taken", async () => {
    let fetched = 0;
    const course = pages(async () => page([`id-${++fetched}`], `cursor-${fetched}`));
    await course.next();
    expect(fetched).toBe(1);
    await course.return();
    expect(fetched).toBe(1);
  });

  it("though rows, and even a whole page, come twice", async () => {
    const given = [["a", "b"], ["b", "c"], ["b", "c"], [], ["c", "d"], ["e"], ["e"], ["e"], ["f"]];
    const { ids } = await readAll((n) => page(given[n - 1] ?? [], n < given.length ? `cursor-${n}` : null));
    expect(ids).toEqual(given);
  });

  it("though some of them are empty", async () => {
    const { ids } = await readAll((n) =>
      page(n % 10 === 0 ? [`id-${n}`] : [], n < 300 ? `cursor-${n}` : null),
    );
    expect(ids.flat()).toHaveLength(30);
  });

  it("through ten thousand of them", async () => {
    const { ids } = await readAll((n) => page(numbered(n * 3, 4), n < 10_000 ? `cursor-${n}` : null));
    expect(ids).toHaveLength(10_000);
  });
});

describe("pages that do not end are noticed", () => {
  it.each([1, 2, 17, 100])(
    "when %d cursors go round, though each page brings new objects",
    async (length) => {
      let fetched = 0;
      const endless = readAll((n) => {
        fetched = n;
        return page([`id-${n}`], `cursor-${n % length}`);
      });
      expect((await failureOf(endless)).code).toBe("square_endless_paging");
      expect(fetched).toBe(length + 1);
    },
  );

  it("when the first cursor leads to itself", async () => {
    let fetched = 0;
    const endless = readAll((n) => {
      fetched = n;
      return page([`id-${n}`], "same");
    }, "same");
    expect((await failureOf(endless)).code).toBe("square_endless_paging");
    expect(fetched).toBe(1);
  });

  it("when there are more than any list has, though each cursor is new", async () => {
    const endless = readAll((n) => page([], `cursor-${n}`));
    expect((await failureOf(endless)).message).toBe("The pages do not end: there are more than 50000");
  });

  it("when Square itself sends them", async () => {
    const { url } = await serverThat((response, request, before) =>
      json({ customers: [{ id: "C" }], cursor: `cursor-${before % 2}` })(response, request, before),
    );
    const api = clientOf(url);
    const read = async () => {
      for await (const _ of pages((cursor) => api.customers({ cursor })));
    };
    expect((await failureOf(read())).code).toBe("square_endless_paging");
  });
});
