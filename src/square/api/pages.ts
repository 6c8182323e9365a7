import { canonicalJson } from "../write-json.js";
import type { Page } from "./api.js";
import { SquareApiError } from "./api-error.js";

/** So many pages in a row with nothing but what came before are a circle. Rows repeated across two pages are usual. */
const PAGES_WITHOUT_NEWS = 3;
/** Square may send an empty page with a cursor when its filter works behind its paging, but not for ever. */
const EMPTY_PAGES = 100;

/**
 * All pages of a list, following the cursors.
 *
 * Pages that go in a circle end in an error, whether cursors come again or ever new ones lead to the same objects, and
 * however large the circle is. Memory stays constant.
 *
 * @param from the cursor to begin with; without it at the first page
 * @throws {SquareApiError} square_endless_paging, and what `fetchPage` throws
 */
export async function* pages(
  fetchPage: (cursor?: string) => Promise<Page>,
  from?: string,
): AsyncGenerator<Page, void, undefined> {
  const course = new Course();
  let cursor = from ?? null;
  do {
    const page = await (cursor === null ? fetchPage() : fetchPage(cursor));
    course.follow(page, cursor);
    yield page;
    cursor = page.cursor;
  } while (cursor !== null);
}

/**
 * Notices circles by Brent's method: it remembers one range of the way, anew after 1, 2, 4, 8, ... pages. Once
 * that range lies in the circle and the circle is shorter than the way to the next one, it comes by again.
 */
class Course {
  #page = 0;
  #landmark = new Set<string>();
  #landmarkCursor: string | null = null;
  #recent: ReadonlySet<string>[] = [];
  #withoutNews = 0;
  #empty = 0;

  /** @param from the cursor that led here */
  follow({ objects, cursor }: Page, from: string | null): void {
    this.#page++;
    if (cursor !== null && (cursor === from || cursor === this.#landmarkCursor))
      throw endless("a cursor came again");
    const ids = new Set(objects.map(idOf));
    this.#count(ids);
    if (cursor === null) return;
    if (this.#empty === EMPTY_PAGES) throw endless(`${EMPTY_PAGES} empty pages in a row`);
    if (this.#withoutNews === PAGES_WITHOUT_NEWS)
      throw endless(`${PAGES_WITHOUT_NEWS} pages in a row brought nothing new`);
    this.#remember(ids, cursor);
  }

  #count(ids: ReadonlySet<string>): void {
    this.#empty = ids.size === 0 ? this.#empty + 1 : 0;
    const known = [...ids].every((id) => this.#landmark.has(id) || this.#recent.some((page) => page.has(id)));
    if (ids.size > 0) this.#withoutNews = known ? this.#withoutNews + 1 : 0;
  }

  #remember(ids: ReadonlySet<string>, cursor: string): void {
    this.#recent = [...this.#recent, ids].slice(-PAGES_WITHOUT_NEWS);
    const sinceLandmark = this.#page - 2 ** Math.floor(Math.log2(this.#page));
    if (sinceLandmark === 0) {
      this.#landmark = new Set();
      this.#landmarkCursor = cursor;
    }
    if (sinceLandmark < PAGES_WITHOUT_NEWS) for (const id of ids) this.#landmark.add(id);
  }
}

function idOf(object: Page["objects"][number]): string {
  const id = object.id ?? object.event_id;
  return typeof id === "string" ? id : canonicalJson(object);
}

function endless(what: string): SquareApiError {
  return new SquareApiError("square_endless_paging", `The pages do not end: ${what}`);
}
