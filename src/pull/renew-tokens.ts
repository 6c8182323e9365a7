import { isUnavailable } from "../database/failures.js";
import { describeFailure, noteError, type ReportedError } from "../errors.js";
import { decryptRefreshToken, encryptTokens } from "../organizations/connection.js";
import { SquareApiError } from "../square/api/api-error.js";
import { renewAccessToken } from "../square/api/oauth.js";
import type { PullContext } from "./connect.js";

const DAY_MS = 86_400_000;

/** Square asks to renew a token every 7 days, and to warn about one that is 8 days old. */
const RENEW_AFTER_DAYS = 7;
const RENEW_BEFORE_EXPIRY_DAYS = 8;

/**
 * Renews the access tokens that are due. The sweep holds a lock on the database, so two servers never renew at once.
 * A renewal that fails is noted, and the next sweep tries again: the token lives three more weeks. `invalid_grant`
 * says that the seller withdrew the permission. The organization is `revoked` then, until the seller connects again.
 * A time-out ends the renewals, because each further one would cost as much of the pull's time.
 *
 * @throws when the database is not available
 */
export async function renewTokens(context: PullContext, errors: ReportedError[]): Promise<void> {
  const { database, clock, log, application, tokenEncryptionKey: key } = context;
  if (!application || !key) return;
  const now = clock();
  const days = (count: number) => new Date(now.getTime() + count * DAY_MS);
  const due = await database.prisma.organization.findMany({
    where: {
      status: "active",
      refreshTokenCiphertext: { not: null },
      OR: [
        { tokenObtainedAt: { lte: days(-RENEW_AFTER_DAYS) } },
        { tokenExpiresAt: { lte: days(RENEW_BEFORE_EXPIRY_DAYS) } },
      ],
    },
    orderBy: { tokenExpiresAt: "asc" },
  });
  for (const { id, squareMerchantId: merchantId, refreshTokenCiphertext, authorizedAt } of due) {
    if (context.signal?.aborted || !refreshTokenCiphertext) return;
    // A seller who connects meanwhile has newer tokens, which stay.
    const unchanged = { id, authorizedAt };
    const { organization } = database.prisma;
    try {
      const signal = context.signal;
      const refreshToken = decryptRefreshToken(key, merchantId, refreshTokenCiphertext);
      const tokens = await renewAccessToken({ ...application, signal }, refreshToken);
      if (tokens.merchantId !== merchantId) throw new Error("Square answered another merchant's token.");
      const { accessTokenCiphertext, renewal } = encryptTokens(key, tokens);
      await organization.updateMany({
        where: unchanged,
        data: {
          accessTokenCiphertext: new Uint8Array(accessTokenCiphertext),
          refreshTokenCiphertext: new Uint8Array(renewal.refreshTokenCiphertext),
          tokenExpiresAt: renewal.tokenExpiresAt,
          tokenObtainedAt: now,
        },
      });
      log.info({ organization_id: id }, "access token renewed");
    } catch (error) {
      const ofSquare = error instanceof SquareApiError;
      if (!ofSquare && isUnavailable(error)) throw error;
      if (ofSquare && error.code === "square_interrupted") return;
      const isWithdrawn = ofSquare && error.squareCodes.includes("INVALID_GRANT");
      if (isWithdrawn) await organization.updateMany({ where: unchanged, data: { status: "revoked" } });
      noteError(errors, {
        organization_id: id,
        step: "pull",
        code: isWithdrawn ? "authorization_withdrawn" : "token_not_renewed",
        message: isWithdrawn
          ? 'The seller has withdrawn the permission. Connect the seller again with "connect".'
          : `The access token could not be renewed: ${describeFailure(error)}`,
      });
      if (ofSquare && error.code === "square_timed_out") return;
    }
  }
}
