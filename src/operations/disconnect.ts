import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { SquareApiError } from "../square/api/api-error.js";
import { type OAuthApplication, revokeAuthorization } from "../square/api/oauth.js";

/**
 * Gives a seller's permission back to Square, then erases the stored tokens. Nothing more is pulled. The seller's
 * data stays. Square is asked first: after a failure nothing is changed here, and the command can be repeated.
 *
 * A personal access token is only erased, because Square ends such a token in its console alone.
 *
 * @param application needed when the seller connected by OAuth
 * @returns `withdrawn`: whether Square ended the permission now
 * @throws RegularsError `not_connected`, `not_configured`, `square_failed`, `connected_again`
 */
export async function disconnect(
  { prisma }: Pick<Database, "prisma">,
  organizationId: string,
  application: OAuthApplication | undefined,
): Promise<{ withdrawn: boolean }> {
  const { organization } = prisma;
  const found = await organization.findUniqueOrThrow({ where: { id: organizationId } });
  const { id, authorizedAt, squareMerchantId, status, accessTokenCiphertext, refreshTokenCiphertext } = found;
  if (status === "disconnected") return { withdrawn: false };
  if (!accessTokenCiphertext)
    throw new RegularsError("not_connected", "The organization has no access token.");
  const withdrawn =
    refreshTokenCiphertext !== null &&
    status === "active" &&
    (await withdrawPermission(application, squareMerchantId));
  // A renewal that is under way finds another authorizedAt, and stores nothing.
  const { count } = await organization.updateMany({
    where: { id, authorizedAt },
    data: {
      status: "disconnected",
      accessTokenCiphertext: null,
      refreshTokenCiphertext: null,
      authorizedAt: null,
      tokenObtainedAt: null,
      tokenExpiresAt: null,
    },
  });
  if (count === 0) {
    throw new RegularsError(
      "connected_again",
      "The seller has connected again meanwhile, and stays connected.",
    );
  }
  return { withdrawn };
}

/** @returns false when Square knows no permission of this seller */
async function withdrawPermission(
  application: OAuthApplication | undefined,
  merchantId: string,
): Promise<boolean> {
  if (!application) {
    throw new RegularsError(
      "not_configured",
      "Set SQUARE_APPLICATION_ID and SQUARE_APPLICATION_SECRET: the seller connected to this application.",
    );
  }
  try {
    await revokeAuthorization(application, merchantId);
    return true;
  } catch (error) {
    if (!(error instanceof SquareApiError)) throw error;
    if (error.code === "square_not_found") return false;
    throw new RegularsError(
      "square_failed",
      `Square does not say that the permission has ended. Nothing was changed here. ${error.message}`,
      { cause: error },
    );
  }
}
