import { createHash, randomBytes } from "node:crypto";
import type { Listing } from "./endpoint.js";
import { badRequest } from "./refusal.js";

/** The most queries with open pages. The oldest is forgotten first. */
const KEPT_QUERIES = 500;

interface Position {
  readonly list: string;
  readonly rows: readonly object[];
  readonly offset: number;
}

/**
 * Pages of a list. The list is fixed with its first page, so a change between two pages neither loses nor repeats a
 * row. A cursor belongs to one query of one merchant.
 */
export class Paging {
  readonly #lists = new Map<string, readonly object[]>();
  readonly #secret = randomBytes(16).toString("hex");
  #count = 0;

  /**
   * @param query the query that the cursor is bound to, without cursor and limit
   * @returns the answer's body
   * @throws {Refusal} 400 INVALID_CURSOR
   */
  page({ key, limit, rows: all, beside }: Listing, query: string, cursor: unknown): object {
    const { list, rows, offset } = this.#open(all, query, cursor);
    const page = rows.slice(offset, offset + limit);
    if (page.length === 0) return {};
    const end = offset + page.length;
    const last = end >= rows.length;
    return {
      [key]: page,
      ...beside?.(page, last),
      ...(!last && { cursor: Buffer.from(this.#sealed(list, String(end), query)).toString("base64url") }),
    };
  }

  #open(all: Listing["rows"], query: string, cursor: unknown): Position {
    if (cursor === undefined || cursor === "") {
      const list = String(this.#count++);
      const rows = all();
      this.#lists.set(list, rows);
      if (this.#lists.size > KEPT_QUERIES) this.#lists.delete(this.#lists.keys().next().value as string);
      return { list, rows, offset: 0 };
    }
    const text = Buffer.from(String(cursor), "base64url").toString("utf8");
    const [list = "", offset = ""] = text.split(":");
    const rows = this.#lists.get(list);
    if (!rows || text !== this.#sealed(list, offset, query)) {
      throw badRequest("INVALID_CURSOR", "Invalid or expired cursor.", "cursor");
    }
    return { list, rows, offset: Number(offset) };
  }

  #sealed(list: string, offset: string, query: string): string {
    const seal = createHash("sha256").update([this.#secret, list, offset, query].join(":"));
    return [list, offset, seal.digest("hex").slice(0, 24)].join(":");
  }
}
