import { createHash, randomBytes } from "node:crypto";
import type { Listing } from "./call.js";
import { badRequest } from "./refusal.js";

/** Queries whose pages can still be asked for; the oldest is forgotten first. */
const KEPT_QUERIES = 500;

/** What goes wrong with a page on command. */
export type PageTwist = "repeated-rows" | "same-cursor" | "ever-new-cursors";

/**
 * Pages of a list as it was when its first page was asked for, so that no change between two pages loses or
 * repeats a row. A cursor belongs to one query of one merchant.
 */
export class Paging {
  readonly #lists = new Map<string, readonly object[]>();
  readonly #secret = randomBytes(16).toString("hex");
  #count = 0;

  /**
   * @param query what the cursor is bound to, without cursor and limit
   * @returns the answer's body
   * @throws {Refusal} 400 INVALID_CURSOR
   */
  page(listing: Listing, query: string, cursor: unknown, twist?: PageTwist): Record<string, unknown> {
    const at = this.#open(listing, query, cursor);
    const rows = at.rows.slice(at.offset, at.offset + listing.limit);
    const end = at.offset + rows.length;
    const last = end >= at.rows.length;
    const next = this.#next({ ...at, end, last, query }, twist);
    if (rows.length === 0) return next === undefined ? {} : { cursor: next };
    return {
      [listing.key]: rows,
      ...listing.beside?.(rows, next === undefined),
      ...(next !== undefined && { cursor: next }),
    };
  }

  /** Every cursor given so far is refused from now on, as Square does after some minutes. */
  forget(): void {
    this.#lists.clear();
  }

  #open(listing: Listing, query: string, cursor: unknown): Place {
    if (cursor === undefined || cursor === "") {
      const list = String(this.#count++);
      const rows = listing.rows();
      this.#lists.set(list, rows);
      if (this.#lists.size > KEPT_QUERIES) this.#lists.delete(this.#lists.keys().next().value as string);
      return { list, rows, offset: 0 };
    }
    const [list = "", offset = "", salt = "", seal] = decoded(cursor).split(":");
    const rows = this.#lists.get(list);
    if (!rows || seal !== this.#seal(list, offset, salt, query)) {
      throw badRequest("INVALID_CURSOR", "Invalid or expired cursor.", "cursor");
    }
    return { list, rows, offset: Number(offset) };
  }

  #next(
    at: Place & { readonly end: number; readonly last: boolean; readonly query: string },
    twist: PageTwist | undefined,
  ): string | undefined {
    const to = (offset: number, salt = ""): string => this.#cursor(at.list, String(offset), salt, at.query);
    switch (twist) {
      case "same-cursor":
        return to(at.offset);
      case "ever-new-cursors":
        return to(at.offset, String(this.#count++));
      case "repeated-rows":
        // The next page begins with the second half of this one, even after the last.
        return at.end === at.offset ? undefined : to(at.end - Math.ceil((at.end - at.offset) / 2));
      case undefined:
        return at.last ? undefined : to(at.end);
    }
  }

  #cursor(list: string, offset: string, salt: string, query: string): string {
    const text = [list, offset, salt, this.#seal(list, offset, salt, query)].join(":");
    return Buffer.from(text).toString("base64url");
  }

  #seal(...parts: readonly string[]): string {
    return createHash("sha256")
      .update([this.#secret, ...parts].join(":"))
      .digest("hex")
      .slice(0, 24);
  }
}

interface Place {
  readonly list: string;
  readonly rows: readonly object[];
  readonly offset: number;
}

function decoded(cursor: unknown): string {
  return typeof cursor === "string" ? Buffer.from(cursor, "base64url").toString("utf8") : "";
}
