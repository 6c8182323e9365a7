import { systemClock } from "../clock.js";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import type { Log } from "../log.js";
import { encryptAccessToken } from "../organizations/access-token.js";
import { addOrganization, holdsAccessToken } from "../organizations/organizations.js";
import { trySyncOrganizationProfile } from "./organization-profile.js";

/**
 * The single-merchant shortcut: SQUARE_MERCHANT_ID makes its organization, SQUARE_ACCESS_TOKEN is stored with it. The
 * same token at the next start is no new authorization: it must not undo a revocation.
 *
 * @returns the organization, when Square is to be asked what it is
 */
export async function ensureConfiguredOrganization(
  { square, tokenEncryptionKey }: Config,
  database: Database,
  log: Log,
): Promise<string | undefined> {
  const { merchantId, accessToken } = square;
  if (merchantId === undefined) return undefined;
  const isNew =
    accessToken !== undefined &&
    tokenEncryptionKey !== undefined &&
    !(await holdsAccessToken(database, merchantId, accessToken, tokenEncryptionKey));
  const token = isNew && {
    accessTokenCiphertext: encryptAccessToken(tokenEncryptionKey, merchantId, accessToken),
  };
  const { id, created } = await addOrganization(database, { merchantId, ...token }, systemClock());
  if (created) log.info({ organization_id: id }, "organization made from SQUARE_MERCHANT_ID");
  if (accessToken === undefined) return undefined;
  const { name } = await database.prisma.organization.findUniqueOrThrow({ where: { id } });
  // One that Square could not be asked about goes by its merchant id still.
  return isNew || name === merchantId ? id : undefined;
}

/** Name, currency, time zone and locations, as Square has them. Without an answer the server serves all the same. */
export async function syncConfiguredOrganization(
  database: Database,
  config: Config,
  log: Log,
  organizationId: string,
  stopping: AbortSignal,
): Promise<void> {
  const told = await trySyncOrganizationProfile(database, config, organizationId, {}, stopping);
  const fields = { organization_id: organizationId };
  if ("failed" in told) {
    log.warn({ ...fields, reason: told.failed }, "Square could not be asked about the organization");
    return;
  }
  log.info({ ...fields, locations: told.locations }, "organization as Square has it");
  if (told.missingScopes.length > 0) {
    const missing_scopes = told.missingScopes;
    log.warn({ ...fields, missing_scopes }, "the access token may not read everything");
  }
}
