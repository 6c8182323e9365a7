import type pg from "pg";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import type { Inbox } from "../inbox/inbox.js";
import type { Log } from "../log.js";
import { decryptAccessToken } from "../organizations/access-token.js";
import type { OpenSquareApi, SquareApi } from "../square/api/api.js";
import type { OAuthApplication } from "../square/api/oauth.js";
import type { JsonObject } from "../square/types.js";
import { emptyPullReport, type PullReport } from "./report.js";

/** What every pull uses, of whichever organization. */
export interface PullContext {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly inbox: Pick<Inbox, "receive">;
  readonly openApi: OpenSquareApi;
  /** The application that sellers connected to. It renews their tokens. */
  readonly application?: OAuthApplication;
  /** TOKEN_ENCRYPTION_KEY, 32 bytes. Without it stored tokens cannot be decrypted, and nothing is pulled. */
  readonly tokenEncryptionKey?: Buffer;
  /** Aborted when the process stops. Then long work ends after the current step. */
  readonly signal?: AbortSignal;
}

export interface PullOptions {
  /** Reads everything and ignores the watermarks. */
  readonly everything?: boolean;
  /** False leaves the customers' rows unchanged. A backfill recomputes all customers at its end. */
  readonly recompute?: boolean;
  /** The pull adds to this report. One report can hold several pulls. */
  readonly report?: PullReport;
  /** Replaces the context's signal. */
  readonly signal?: AbortSignal;
}

/** One organization's pull. All its steps share it. */
export interface PullTask extends Required<PullOptions>, Pick<PullContext, "clock" | "log" | "inbox"> {
  readonly organizationId: string;
  readonly pool: pg.Pool;
  readonly api: SquareApi;
  /** The merchant in Square's wire shape. */
  readonly merchant: JsonObject;
  /** The start of the pull. Later changes are left to the next pull. */
  readonly startedAt: Date;
}

/**
 * Opens Square's API with the organization's token and checks that the token belongs to this merchant. Otherwise
 * another merchant's objects would be stored in this organization's tables.
 *
 * @throws {SquareApiError} Square refuses the token or does not answer
 * @throws {RegularsError} `not_connected`, `no_encryption_key`, `token_unreadable`, `wrong_merchant`
 */
export async function connect(
  context: PullContext,
  organizationId: string,
  options: PullOptions = {},
): Promise<PullTask> {
  const { database, clock, log, inbox } = context;
  const {
    everything = false,
    recompute = true,
    report = emptyPullReport(),
    signal = context.signal ?? new AbortController().signal,
  } = options;
  const startedAt = clock();
  const access = await accessOf(context, organizationId);
  const api = context.openApi({ ...access, signal });
  const merchant = await api.merchant();
  if (merchant.id !== access.merchantId) {
    throw new RegularsError("wrong_merchant", "The stored access token belongs to another merchant.");
  }
  const shared = { pool: database.pool, clock, log, inbox, signal, report };
  return { ...shared, organizationId, api, merchant, startedAt, everything, recompute };
}

async function accessOf({ database, tokenEncryptionKey }: PullContext, organizationId: string) {
  const organization = await database.prisma.organization.findUnique({ where: { id: organizationId } });
  if (!organization?.accessTokenCiphertext || organization.status !== "active") {
    throw new RegularsError(
      "not_connected",
      "The organization has no access token, or the seller has revoked it. Run connect.",
    );
  }
  if (!tokenEncryptionKey) {
    throw new RegularsError(
      "no_encryption_key",
      "Set TOKEN_ENCRYPTION_KEY to the key that the token was encrypted with.",
    );
  }
  const { squareMerchantId: merchantId, accessTokenCiphertext } = organization;
  return { merchantId, accessToken: decryptToken(tokenEncryptionKey, merchantId, accessTokenCiphertext) };
}

function decryptToken(key: Buffer, merchantId: string, ciphertext: Uint8Array): string {
  try {
    return decryptAccessToken(key, merchantId, ciphertext);
  } catch {
    throw new RegularsError(
      "token_unreadable",
      "TOKEN_ENCRYPTION_KEY cannot decrypt the stored access token. Add the token again.",
    );
  }
}
