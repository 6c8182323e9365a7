import { RegularsError } from "../errors.js";
import { encryptTokens } from "../organizations/connection.js";
import { addOrganization } from "../organizations/organizations.js";
import type { PullContext } from "../pull/connect.js";
import { present, profileOf, syncOrganizationProfile } from "../pull/organization-profile.js";
import { authorizeUrl, obtainTokens } from "../square/api/oauth.js";
import { ConnectSeal } from "./connect-link.js";

/** How long a seller's browser waits for Square. */
const PATIENCE_MS = 20_000;

export interface Connected {
  readonly organizationId: string;
  readonly created: boolean;
  readonly missingScopes: readonly string[];
}

/** Connects sellers to the configured application. */
export interface Connections {
  readonly seal: ConnectSeal;
  /** Whether cookies of the flow need TLS. */
  readonly secure: boolean;
  /** The page at Square where the seller allows access. */
  authorizeUrl(state: string): string;
  /**
   * Exchanges the code and stores the organization with its tokens. Everything that is needed from Square is read
   * before anything is stored.
   *
   * @throws SquareApiError; RegularsError `wrong_merchant`
   */
  complete(code: string): Promise<Connected>;
}

/** @returns undefined without an application or TOKEN_ENCRYPTION_KEY */
export function openConnections(context: PullContext): Connections | undefined {
  const { application, tokenEncryptionKey: key } = context;
  if (!application || !key) return undefined;
  return {
    seal: new ConnectSeal(key),
    secure: application.redirectUrl.startsWith("https:"),
    authorizeUrl: (state) => authorizeUrl(application, state),
    complete: (code) => complete({ ...context, application, tokenEncryptionKey: key }, code),
  };
}

async function complete(
  context: PullContext & Required<Pick<PullContext, "application" | "tokenEncryptionKey">>,
  code: string,
): Promise<Connected> {
  const { database, clock, log, application, tokenEncryptionKey } = context;
  const late = AbortSignal.timeout(PATIENCE_MS);
  const signal = context.signal ? AbortSignal.any([late, context.signal]) : late;
  const tokens = await obtainTokens({ ...application, signal }, code);
  const { merchantId, accessToken } = tokens;
  const api = context.openApi({ merchantId, accessToken, signal });
  const merchant = await api.merchant();
  if (merchant.id !== merchantId) {
    throw new RegularsError("wrong_merchant", "Square answered a token of another merchant.");
  }
  const told = present(await profileOf(database, merchant, await api.locations()));
  const known = await database.prisma.organization.findUnique({ where: { squareMerchantId: merchantId } });
  // Of a known organization, syncOrganizationProfile changes the profile, because its rows must be recomputed then.
  const organization = { merchantId, ...(known ? {} : told), ...encryptTokens(tokenEncryptionKey, tokens) };
  const { id, created } = await addOrganization(database, organization, clock());
  log.info({ organization_id: id, created }, "seller connected");
  const missingScopes = await syncOrganizationProfile({ ...context, signal }, id).then(
    (profile) => profile.missingScopes,
    (error) => {
      // The connection stands. The next sweep reads the locations.
      if (!(error instanceof RegularsError)) throw error;
      log.warn({ organization_id: id, code: error.code }, "organization profile not read from Square");
      return [];
    },
  );
  return { organizationId: id, created, missingScopes };
}
