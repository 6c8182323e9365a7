import { refreshOrganization } from "../analytics/refresh.js";
import type { Database } from "../database/database.js";
import { addOrganization, type NewOrganization } from "../organizations/organizations.js";
import { isTimeZone } from "../organizations/time-zone.js";
import { OAUTH_SCOPES } from "../square/api/oauth.js";
import type { JsonObject } from "../square/types.js";
import { connect, type PullContext } from "./connect.js";
import { storeLocations } from "./locations-and-services.js";

export interface OrganizationProfile {
  readonly name: string | undefined;
  readonly currency: string | undefined;
  readonly timeZone: string | undefined;
  readonly locations: number;
  /** Scopes that the token lacks. Square silently omits what these scopes would allow. */
  readonly missingScopes: readonly string[];
}

/**
 * Reads an organization's name, currency, locations and main location's time zone from Square and stores them. All
 * rows are recomputed if the currency or time zone changed.
 *
 * @param given values that win over Square's
 * @throws {SquareApiError} and the errors of `connect`
 */
export async function syncOrganizationProfile(
  context: PullContext,
  organizationId: string,
  given: Partial<Pick<NewOrganization, "name" | "currency" | "timeZone">> = {},
): Promise<OrganizationProfile> {
  const { database, clock } = context;
  const task = await connect(context, organizationId);
  const { api, merchant } = task;
  const [locations, status] = [await api.locations(), await api.tokenStatus()];
  const told = { ...(await profileOf(database, merchant, locations)), ...given };
  const before = await database.prisma.organization.findUniqueOrThrow({ where: { id: organizationId } });
  await addOrganization(database, { merchantId: before.squareMerchantId, ...present(told) }, clock());
  await storeLocations(task, locations);
  const after = await database.prisma.organization.findUniqueOrThrow({ where: { id: organizationId } });
  if (before.currency !== after.currency || before.timeZone !== after.timeZone) {
    // Not interrupted by a stop: otherwise some rows would follow the new time zone and some the old one.
    for await (const _ of refreshOrganization(database.pool, organizationId, "full", clock));
  }
  return { ...told, locations: locations.length, missingScopes: missingScopes(status) };
}

/** Name, currency and the main location's time zone, as far as Square tells them. */
export async function profileOf(
  database: Pick<Database, "pool">,
  merchant: JsonObject,
  locations: readonly JsonObject[],
) {
  const main = locations.find(({ id }) => id === merchant.main_location_id) ?? locations[0];
  const timeZone = text(main?.timezone);
  return {
    name: text(merchant.business_name),
    currency: text(merchant.currency) ?? text(main?.currency),
    timeZone: timeZone && (await isTimeZone(database.pool, timeZone)) ? timeZone : undefined,
  };
}

/** The scopes that a token lacks, from its status. A personal token has every scope and lists none. */
export function missingScopes({ scopes }: JsonObject): string[] {
  if (!Array.isArray(scopes) || scopes.length === 0) return [];
  return OAUTH_SCOPES.filter((scope) => !scopes.includes(scope));
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The values that are not undefined. */
export function present<Values extends Record<string, string | undefined>>(values: Values) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Values]?: string };
}
