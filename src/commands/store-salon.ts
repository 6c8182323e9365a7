/** Stores what no event of a simulated salon carries, and takes in its events without a door. */
import type { Database } from "../database/database.js";
import type { Inbox } from "../inbox/inbox.js";
import type { Salon, SalonEvent } from "../simulator/salon.js";
import { readEnvelope } from "../square/envelope.js";
import { readJson } from "../square/read-json.js";

/** Stores the salon's locations directly, because location events carry no location. */
export async function storeLocations(
  { prisma }: Database,
  organizationId: string,
  { locations }: Salon,
): Promise<void> {
  await prisma.location.createMany({
    data: locations.map(({ id, name, timezone, currency, status }) => ({
      organizationId,
      squareLocationId: id,
      name,
      timeZone: timezone,
      currency,
      status,
    })),
  });
}

/** Stores the salon's services directly, because catalog events carry no service. */
export async function storeServices(
  { prisma }: Database,
  organizationId: string,
  { truth }: Salon,
): Promise<void> {
  const variations = [...truth.catalog.values()].flatMap(({ item_data }) =>
    item_data.variations.map((variation) => ({ item: item_data, variation })),
  );
  await prisma.serviceVariation.createMany({
    data: variations.map(({ item, variation: { id, item_variation_data } }) => ({
      organizationId,
      squareVariationId: id,
      name: item_variation_data.name,
      itemName: item.name,
      durationMinutes: Math.round(item_variation_data.service_duration / 60_000),
      priceCents: item_variation_data.price_money.amount,
      currency: item_variation_data.price_money.currency,
    })),
  });
}

/** Gives the events to the inbox at once, as a replay does. Resolves when all of them are committed. */
export async function receiveAll(inbox: Inbox, events: readonly SalonEvent[]): Promise<void> {
  await Promise.all(
    events.map(({ event }) =>
      inbox.receive(readEnvelope(readJson(Buffer.from(JSON.stringify(event)))), "replay"),
    ),
  );
}
