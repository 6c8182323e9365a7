/** A salon at a fake Square, and the context of a pull from it. */
import { onTestFinished } from "vitest";
import type { Database } from "../../src/database/database.js";
import { silentLog } from "../../src/log.js";
import { encryptAccessToken } from "../../src/organizations/access-token.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { type Salon, type SalonOptions, simulateSalon } from "../../src/simulator/salon.js";
import type { SweepContext } from "../../src/sweep/sweep.js";
import { openInbox, TestClock } from "./app.js";
import { type FaultySquare, type FaultySquareOptions, startFakeSquare } from "./fake-square.js";
import { ACCESS_TOKEN, openApiAt, TOKEN_KEY } from "./square-context.js";
import { tablesOf } from "./tables.js";
import { turbulence } from "./turbulence.js";

export interface SquareWorld {
  readonly salon: Salon;
  readonly square: FaultySquare;
  readonly clock: TestClock;
  context: SweepContext;
}

/** Opens a salon at a fake Square. The salon's history goes on as its events are read. */
export async function openSquareWorld(
  database: Database,
  salonOptions: Partial<SalonOptions> & { readonly seed: string },
  squareOptions: Partial<FaultySquareOptions> & { readonly timeoutMs?: number } = {},
): Promise<SquareWorld> {
  const salon = simulateSalon({
    ...turbulence,
    start: new Date("2026-02-01T00:00:00Z"),
    end: new Date("2026-06-01T00:00:00Z"),
    customers: 8,
    merchantId: "MLRECONCILED",
    ...salonOptions,
  });
  const clock = new TestClock();
  const { timeoutMs, ...rest } = squareOptions;
  const square = await startFakeSquare({
    merchants: [{ salon, accessToken: ACCESS_TOKEN }],
    clock: clock.read,
    ...rest,
  });
  onTestFinished(() => square.close());
  const context: SweepContext = {
    database,
    clock: clock.read,
    log: silentLog,
    inbox: openInbox(database, { clock: clock.read }),
    openApi: openApiAt(square.url, timeoutMs),
    tokenEncryptionKey: TOKEN_KEY,
  };
  return { salon, square, clock, context };
}

/** Adds the salon's organization with its access token. The database may have been emptied. @returns its id */
export async function connectSalon(database: Database, world: SquareWorld): Promise<string> {
  const { salon, clock } = world;
  // The inbox is new, because an inbox remembers the organizations of its events.
  world.context = { ...world.context, inbox: openInbox(database, { clock: clock.read }) };
  const accessTokenCiphertext = encryptAccessToken(TOKEN_KEY, salon.merchantId, ACCESS_TOKEN);
  const organization = { merchantId: salon.merchantId, name: "Harbor Salon", accessTokenCiphertext };
  const { id } = await addOrganization(database, organization, clock.read());
  return id;
}

/** The columns that say when and how a row was stored. */
const OF_THE_WAY: readonly string[] = ["order_key", "computed_at", "created_at", "updated_at"];

/**
 * The tables that must be the same however the data arrived. Values that only events have are left out: the version
 * and time at which a profile ended, and which of several merges led to a survivor. Aliases of ids that no row names,
 * and pending fetches, are left out too.
 */
export async function comparableTables(database: Database, organizationId: string) {
  const tables = await tablesOf(database, organizationId);
  const rows = (name: string) => tables[name] ?? [];
  const without = (name: string, left: readonly string[]) =>
    rows(name).map((row) =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !left.includes(column))),
    );
  const named = new Set([...rows("bookings"), ...rows("payments")].map((row) => row.reported_customer_id));
  return {
    bookings: without("bookings", ["order_key"]),
    booking_segments: rows("booking_segments"),
    payments: without("payments", ["order_key"]),
    refunds: without("refunds", ["order_key"]),
    customers: without("customers", ["order_key", "other_copy", "not_found_since"]).filter(
      (row) => row.deleted_at === null,
    ),
    customer_aliases: without("customer_aliases", ["merged_at"]).filter((row) =>
      named.has(row.from_customer_id),
    ),
    team_members: without("team_members", ["order_key"]),
    locations: rows("locations"),
    service_variations: rows("service_variations"),
    customer_analytics: without("customer_analytics", OF_THE_WAY),
  };
}
