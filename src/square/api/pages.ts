import type { Page } from "./api.js";
import { SquareApiError } from "./api-error.js";

/** No list has this many pages. They would hold five million payments and take three hours at the usual rate. */
const MAX_PAGES = 50_000;

/**
 * Reads all pages of a list by following the cursors. A page may be empty, and an object may come twice.
 *
 * @param from the cursor of the first page to read; without it reading begins at the list's first page
 * @throws SquareApiError `square_endless_paging` when a cursor comes again or there are too many pages
 * @throws what `fetchPage` throws
 */
export async function* pages(
  fetchPage: (cursor?: string) => Promise<Page>,
  from?: string,
  maxPages = MAX_PAGES,
): AsyncGenerator<Page, void, undefined> {
  const seen = new Set<string>();
  let next = from;
  for (let read = 0; read < maxPages; read += 1) {
    if (next !== undefined) seen.add(next);
    const page = await fetchPage(next);
    if (page.cursor !== null && seen.has(page.cursor)) throw endless("a cursor came again");
    yield page;
    if (page.cursor === null) return;
    next = page.cursor;
  }
  throw endless(`there are more than ${maxPages}`);
}

function endless(what: string): SquareApiError {
  return new SquareApiError("square_endless_paging", `The pages do not end: ${what}`);
}
