import type pg from "pg";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import type { Inbox } from "../inbox/inbox.js";
import type { Log } from "../log.js";
import { decryptAccessToken } from "../organizations/access-token.js";
import type { OpenSquareApi, SquareApi } from "../square/api/api.js";
import type { JsonObject } from "../square/types.js";
import { emptyPullReport, type PullReport } from "./report.js";

/** What asking Square works with, whichever organization it is about. */
export interface PullContext {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly inbox: Pick<Inbox, "receive">;
  readonly openApi: OpenSquareApi;
  /** 32 bytes, TOKEN_ENCRYPTION_KEY: without it no stored token opens, and nothing is pulled. */
  readonly tokenEncryptionKey?: Buffer;
  /** Aborted when the process is stopping: long work ends at the next safe place. */
  readonly signal?: AbortSignal;
}

export interface PullOptions {
  /** Reads everything there is, as if nothing had been read before. */
  readonly everything?: boolean;
  /** False leaves the customers' rows as they are: a backfill recomputes everybody at its end. */
  readonly recompute?: boolean;
  /** Filled as the pull goes; one report can hold several pulls. */
  readonly report?: PullReport;
  /** Instead of the context's. */
  readonly signal?: AbortSignal;
}

/** One organization's pull, as all its steps share it. */
export interface PullTask extends Required<PullOptions>, Pick<PullContext, "clock" | "log" | "inbox"> {
  readonly organizationId: string;
  readonly pool: pg.Pool;
  readonly api: SquareApi;
  /** As Square has it. */
  readonly merchant: JsonObject;
  /** When the pull began: what changes later is for the next one. */
  readonly startedAt: Date;
}

/**
 * Opens Square's API with the organization's token, and sees that it is this merchant's: another's objects would
 * otherwise end in this organization's tables.
 *
 * @throws {SquareApiError} when Square refuses the token or does not answer
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
    throw new RegularsError("wrong_merchant", "The stored access token is another merchant's.");
  }
  const shared = { pool: database.pool, clock, log, inbox, signal, report };
  return { ...shared, organizationId, api, merchant, startedAt, everything, recompute };
}

async function accessOf({ database, tokenEncryptionKey }: PullContext, organizationId: string) {
  const organization = await database.prisma.organization.findUnique({ where: { id: organizationId } });
  if (!organization?.accessTokenCiphertext || organization.status !== "active") {
    throw new RegularsError(
      "not_connected",
      "The organization has no access token, or its seller has revoked it.",
    );
  }
  if (!tokenEncryptionKey) {
    throw new RegularsError(
      "no_encryption_key",
      "Set TOKEN_ENCRYPTION_KEY, with which the token was encrypted.",
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
      "TOKEN_ENCRYPTION_KEY does not open the stored access token: add the token again.",
    );
  }
}
