import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { decryptAccessToken } from "./access-token.js";
import { isTimeZone } from "./time-zone.js";

export interface NewOrganization {
  readonly merchantId: string;
  readonly name?: string;
  /** ISO 4217; USD unless given. */
  readonly currency?: string;
  /** IANA name; America/Los_Angeles unless given. */
  readonly timeZone?: string;
  /** A token means that the seller has authorized us now, so an earlier revocation no longer counts. */
  readonly accessTokenCiphertext?: Buffer;
}

/**
 * Adds the organization of a Square merchant, or changes what is given of an existing one. Its placeholder locations
 * go by its currency and time zone, and follow them.
 *
 * @returns the organization's id, and whether it is new; with another currency or time zone an old one's rows of
 *   customer_analytics are to be recomputed
 * @throws {RegularsError} `invalid_currency`, `invalid_time_zone`
 */
export async function addOrganization(
  database: Database,
  { merchantId, name, currency, timeZone, accessTokenCiphertext }: NewOrganization,
  now: Date,
): Promise<{ id: string; created: boolean }> {
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) {
    throw new RegularsError("invalid_currency", "The currency is a three-letter ISO 4217 code such as USD.");
  }
  if (timeZone !== undefined && !(await isTimeZone(database.pool, timeZone))) {
    throw new RegularsError(
      "invalid_time_zone",
      "The time zone is an IANA name such as America/Los_Angeles; offsets such as UTC+5 and abbreviations are none.",
    );
  }
  const token = accessTokenCiphertext && {
    accessTokenCiphertext: new Uint8Array(accessTokenCiphertext),
    authorizedAt: now,
    status: "active",
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
  // Two processes may start at once: the second finds the row of the first.
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

/** Whether exactly this token is stored for the merchant; one that the key does not open is another. */
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
