import { systemClock } from "../clock.js";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import type { Log } from "../log.js";
import { encryptAccessToken } from "../organizations/access-token.js";
import { addOrganization, holdsAccessToken } from "../organizations/organizations.js";
import { trySyncOrganizationProfile } from "./organization-profile.js";

/**
 * Adds the organization of SQUARE_MERCHANT_ID and stores SQUARE_ACCESS_TOKEN with it. A token that is stored already
 * is not stored again, because storing one would undo a revocation.
 *
 * @returns the organization's id when its profile should be read from Square
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
  if (created) log.info({ organization_id: id }, "organization added from SQUARE_MERCHANT_ID");
  if (accessToken === undefined) return undefined;
  const { name } = await database.prisma.organization.findUniqueOrThrow({ where: { id } });
  // Until Square has answered once, the name is the merchant id.
  return isNew || name === merchantId ? id : undefined;
}

/** Reads name, currency, time zone and locations from Square. Without an answer the server works all the same. */
export async function syncConfiguredOrganization(
  database: Database,
  config: Config,
  log: Log,
  organizationId: string,
  stopping: AbortSignal,
): Promise<void> {
  const profile = await trySyncOrganizationProfile(database, config, organizationId, {}, stopping);
  const fields = { organization_id: organizationId };
  if ("failed" in profile) {
    log.warn({ ...fields, reason: profile.failed }, "organization profile not read from Square");
    return;
  }
  log.info({ ...fields, locations: profile.locations }, "organization profile read from Square");
  if (profile.missingScopes.length > 0) {
    const missing_scopes = profile.missingScopes;
    log.warn({ ...fields, missing_scopes }, "the access token lacks permissions");
  }
}
