import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { decryptAccessToken } from "./access-token.js";
import { isTimeZone } from "./time-zone.js";

export interface NewOrganization {
  readonly merchantId: string;
  readonly name?: string;
  /** ISO 4217. By default USD. */
  readonly currency?: string;
  /** IANA name. By default America/Los_Angeles. */
  readonly timeZone?: string;
  /** A token means that the seller has authorized us now. An earlier revocation no longer counts. */
  readonly accessTokenCiphertext?: Buffer;
  /** What OAuth brings beside the access token. Without it a stored refresh token is removed. */
  readonly renewal?: Renewal;
}

/** How and when an access token from OAuth is renewed. */
export interface Renewal {
  readonly refreshTokenCiphertext: Buffer;
  readonly tokenExpiresAt: Date;
}

/**
 * Adds the organization of a Square merchant, or changes the given fields of an existing one. Its placeholder
 * locations get its currency and time zone.
 *
 * @returns the organization's id, and whether it is new. After a change of currency or time zone the caller must
 *   recompute the organization's rows of customer_analytics.
 * @throws RegularsError `invalid_currency`, `invalid_time_zone`
 */
export async function addOrganization(
  database: Database,
  { merchantId, name, currency, timeZone, accessTokenCiphertext, renewal }: NewOrganization,
  now: Date,
): Promise<{ id: string; created: boolean }> {
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) {
    throw new RegularsError(
      "invalid_currency",
      "The currency must be a three-letter ISO 4217 code such as USD.",
    );
  }
  if (timeZone !== undefined && !(await isTimeZone(database.pool, timeZone))) {
    throw new RegularsError(
      "invalid_time_zone",
      "The time zone must be an IANA name such as America/Los_Angeles, not an offset such as UTC+5 or an abbreviation.",
    );
  }
  const token = accessTokenCiphertext && {
    accessTokenCiphertext: new Uint8Array(accessTokenCiphertext),
    authorizedAt: now,
    status: "active",
    refreshTokenCiphertext: renewal ? new Uint8Array(renewal.refreshTokenCiphertext) : null,
    tokenObtainedAt: renewal ? now : null,
    tokenExpiresAt: renewal?.tokenExpiresAt ?? null,
  };
  const given = {
    ...(name !== undefined && { name }),
    ...(currency !== undefined && { currency }),
    ...(timeZone !== undefined && { timeZone }),
    ...token,
  };
  const { organization } = database.prisma;
  const existing = await organization.findUnique({
    where: { squareMerchantId: merchantId },
    select: { id: true },
  });
  // Two processes may start at once. The second one finds the row of the first.
  const { id, ...standing } = await organization.upsert({
    where: { squareMerchantId: merchantId },
    update: given,
    create: {
      squareMerchantId: merchantId,
      name: merchantId,
      currency: "USD",
      timeZone: "America/Los_Angeles",
      ...given,
    },
    select: { id: true, currency: true, timeZone: true },
  });
  await database.prisma.location.updateMany({
    where: { organizationId: id, isPlaceholder: true },
    data: { currency: standing.currency, timeZone: standing.timeZone },
  });
  return { id, created: existing === null };
}

/** Whether this token is stored for the merchant. False when the key cannot decrypt the stored token. */
export async function holdsAccessToken(
  { prisma }: Pick<Database, "prisma">,
  merchantId: string,
  token: string,
  key: Buffer,
): Promise<boolean> {
  const found = await prisma.organization.findUnique({
    where: { squareMerchantId: merchantId },
    select: { accessTokenCiphertext: true },
  });
  if (!found?.accessTokenCiphertext) return false;
  try {
    return decryptAccessToken(key, merchantId, found.accessTokenCiphertext) === token;
  } catch {
    return false;
  }
}
