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

  it("though events have another name for their id, and some things none", async () => {
    const objects = (n: number) => (n < 6 ? [{ event_id: `event-${n}` }] : [{ some: { thing: n } }]);
    const course = pages(async (cursor = "0") => {
      const n = Number(cursor) + 1;
      return { objects: objects(n), cursor: n < 12 ? String(n) : null };
    });
    let count = 0;
    for await (const _ of course) count++;
    expect(count).toBe(12);
  });
});

describe("pages that do not end are noticed", () => {
  it.each([1, 2, 3, 5, 17, 100])(
    "when %d cursors go round, though each page brings new objects",
    async (length) => {
      const endless = readAll((n) => page([`id-${n}`], `cursor-${n % length}`));
      expect((await failureOf(endless)).code).toBe("square_endless_paging");
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

  it.each([1, 2, 3, 5, 17, 100])("when ever new cursors lead through the same %d pages", async (length) => {
    let fetched = 0;
    const endless = readAll((n) => {
      fetched = n;
      return page(numbered((n % length) * 2, 2), `cursor-${n}`);
    });
    expect((await failureOf(endless)).code).toBe("square_endless_paging");
    expect(fetched).toBeLessThan(5 * length + 10);
  });

  it("when the circle begins late", async () => {
    const endless = readAll((n) => page(numbered(n < 500 ? n * 2 : 2000 + (n % 40) * 2, 2), `cursor-${n}`));
    expect((await failureOf(endless)).code).toBe("square_endless_paging");
  });

  it("when one page comes again and again, at once and however far the way was", async () => {
    let fetched = 0;
    const endless = readAll((n) => {
      fetched = n;
      return page(numbered(Math.min(n, 600), 1), `cursor-${n}`);
    });
    expect((await failureOf(endless)).code).toBe("square_endless_paging");
    expect(fetched).toBe(603);
  });

  it("when they are all empty", async () => {
    const endless = readAll((n) => page([], `cursor-${n}`));
    expect((await failureOf(endless)).code).toBe("square_endless_paging");
  });

  it("when Square itself sends them", async () => {
    const { url } = await serverThat((response, request, before) =>
      json({ customers: [{ id: "C" }], cursor: `cursor-${before}` })(response, request, before),
    );
    const api = clientOf(url);
    const read = async () => {
      for await (const _ of pages((cursor) => api.customers({ ...(cursor !== undefined && { cursor }) })));
    };
    expect((await failureOf(read())).code).toBe("square_endless_paging");
  });
});
