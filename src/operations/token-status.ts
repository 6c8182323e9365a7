/** How an organization's access token stands. */
export interface TokenStatus {
  /**
   * `late`: the sweep should have renewed it, and has not. `expired` and `revoked`: nothing can be read from Square.
   */
  readonly state: "none" | "valid" | "late" | "expired" | "revoked";
  /** Null for a personal token, which Square gives no end. */
  readonly expires_at: Date | null;
  /** What to do. Null when nothing is to be done. */
  readonly remedy: string | null;
}

export interface TokenRow {
  readonly status: string;
  readonly has_access_token: boolean;
  /** Whether the sweep can renew it. */
  readonly is_renewable: boolean;
  readonly token_expires_at: Date | null;
  readonly token_obtained_at: Date | null;
}

/** Square asks to warn about a token that was not renewed for eight days. */
const LATE_AFTER_MS = 8 * 86_400_000;

export function tokenStatusOf(row: TokenRow, now: Date): TokenStatus {
  const { token_expires_at: expires_at, token_obtained_at } = row;
  if (!row.has_access_token) return { state: "none", expires_at: null, remedy: null };
  if (row.status === "revoked") {
    return { state: "revoked", expires_at, remedy: 'connect the seller again with "regulars connect"' };
  }
  if (expires_at !== null && expires_at <= now) {
    const remedy = row.is_renewable
      ? 'run "regulars reconcile", which renews it; if that fails, "regulars connect"'
      : 'store another with "regulars org add --access-token-stdin"';
    return { state: "expired", expires_at, remedy };
  }
  const age = token_obtained_at === null ? 0 : now.getTime() - token_obtained_at.getTime();
  if (row.is_renewable && age > LATE_AFTER_MS) {
    return { state: "late", expires_at, remedy: "see why the sweeps do not renew it: their errors name it" };
  }
  return { state: "valid", expires_at, remedy: null };
}
