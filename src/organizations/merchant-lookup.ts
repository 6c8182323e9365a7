import type pg from "pg";
import { query } from "../database/query.js";

// Served by the unique index on square_merchant_id.
const byMerchantStatement = {
  name: "organization_by_merchant",
  text: "select id from organizations where square_merchant_id = $1",
};

/** Finds organizations by `merchant_id`. Nothing else in an event identifies its organization. */
export class Organizations {
  readonly #pool: pg.Pool;
  readonly #known = new Map<string, string>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /**
   * Unknown merchants are not cached, so the next event finds an organization that another process has added.
   *
   * @returns the organization's id, or undefined for an unknown merchant
   */
  async find(merchantId: string): Promise<string | undefined> {
    const known = this.#known.get(merchantId);
    if (known !== undefined) return known;
    const { rows } = await query<{ id: string }>(this.#pool, byMerchantStatement, [merchantId]);
    const id = rows[0]?.id;
    if (id !== undefined) this.#known.set(merchantId, id);
    return id;
  }
}
