import { refreshOrganization } from "../analytics/refresh.js";
import { addOrganization, type NewOrganization } from "../organizations/organizations.js";
import { isTimeZone } from "../organizations/time-zone.js";
import type { JsonObject } from "../square/types.js";
import { connect, type PullContext } from "./connect.js";
import { storeLocations } from "./locations-and-services.js";

/** What a token must be allowed to read, besides what every seller's token may. */
const SCOPES = ["APPOINTMENTS_READ", "APPOINTMENTS_ALL_READ", "PAYMENTS_READ", "CUSTOMERS_READ"];

export interface Introduced {
  readonly name: string | undefined;
  readonly currency: string | undefined;
  readonly timeZone: string | undefined;
  readonly locations: number;
  /** Scopes that the token lacks: without them Square leaves out what it is not allowed to show. */
  readonly missingScopes: readonly string[];
}

/**
 * Learns from Square what an organization is: its name and currency, its locations, and the time zone of the main one. Rows that
 * another currency or time zone changes are recomputed.
 *
 * @param given what somebody has said, and Square is not asked for
 * @throws {SquareApiError} and what `connect` throws
 */
export async function syncOrganizationProfile(
  context: PullContext,
  organizationId: string,
  given: Partial<Pick<NewOrganization, "name" | "currency" | "timeZone">> = {},
): Promise<Introduced> {
  const { database, clock } = context;
  const task = await connect(context, organizationId);
  const { api, merchant } = task;
  const [locations, status] = [await api.locations(), await api.tokenStatus()];
  const main = locations.find(({ id }) => id === merchant.main_location_id) ?? locations[0];
  const timeZone = text(main?.timezone);
  const told = {
    name: text(merchant.business_name),
    currency: text(merchant.currency) ?? text(main?.currency),
    timeZone: timeZone && (await isTimeZone(database.pool, timeZone)) ? timeZone : undefined,
    ...given,
  };
  const before = await database.prisma.organization.findUniqueOrThrow({ where: { id: organizationId } });
  await addOrganization(database, { merchantId: before.squareMerchantId, ...present(told) }, clock());
  await storeLocations(task, locations);
  const after = await database.prisma.organization.findUniqueOrThrow({ where: { id: organizationId } });
  if (before.currency !== after.currency || before.timeZone !== after.timeZone) {
    // To the end, whatever is told to stop: half of the rows would follow the new time zone, half the old one.
    for await (const _ of refreshOrganization(database.pool, organizationId, "full", clock));
  }
  return { ...told, locations: locations.length, missingScopes: missingScopes(status) };
}

/** The scopes that a token lacks, of its status. A personal token has every scope and lists none. */
export function missingScopes({ scopes }: JsonObject): string[] {
  if (!Array.isArray(scopes) || scopes.length === 0) return [];
  return SCOPES.filter((scope) => !scopes.includes(scope));
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function present<Values extends Record<string, string | undefined>>(values: Values) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Values]?: string };
}
