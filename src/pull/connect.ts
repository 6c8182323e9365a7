import { RegularsError } from "../errors.js";
import { decryptAccessToken } from "../organizations/access-token.js";
import type { SquareApi } from "../square/api/api.js";
import type { JsonObject } from "../square/types.js";
import type { PullContext } from "./context.js";

/** An organization that Square can be asked about. */
export interface Connection {
  readonly api: SquareApi;
  readonly merchant: JsonObject;
}

/** Whether an organization is to be pulled at all: it has a token, and its seller has not taken our access back. */
export async function isConnected(
  { database }: Pick<PullContext, "database">,
  organizationId: string,
): Promise<boolean> {
  const organization = await database.prisma.organization.findUnique({ where: { id: organizationId } });
  return organization?.accessTokenCiphertext != null && organization.status === "active";
}

/**
 * Opens Square's API with the organization's token, and sees that it is this merchant's: another's objects would
 * otherwise end in this organization's tables.
 *
 * @throws {SquareApiError} when Square refuses the token or does not answer
 * @throws {RegularsError} `not_connected`, `no_encryption_key`, `token_unreadable`, `wrong_merchant`
 */
export async function connect(context: PullContext, organizationId: string): Promise<Connection> {
  const { database, openApi, tokenEncryptionKey } = context;
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
  const accessToken = opened(tokenEncryptionKey, merchantId, accessTokenCiphertext);
  const api = openApi({ merchantId, accessToken });
  const merchant = await api.merchant();
  if (merchant.id !== merchantId) {
    throw new RegularsError("wrong_merchant", "The stored access token is another merchant's.");
  }
  return { api, merchant };
}

function opened(key: Buffer, merchantId: string, ciphertext: Uint8Array): string {
  try {
    return decryptAccessToken(key, merchantId, ciphertext);
  } catch {
    throw new RegularsError(
      "token_unreadable",
      "TOKEN_ENCRYPTION_KEY does not open the stored access token: add the token again.",
    );
  }
}
