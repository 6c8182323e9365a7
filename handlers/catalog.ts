import type { ServiceVariation } from "../src/facts/types.js";
import { parseCatalogObject, parseItem, parseItemVariation } from "../src/square/schemas/catalog.js";
import type { Handler } from "./handler.js";

/**
 * The event says that the catalog changed, not what changed. One fetch reads all changes since the last one, so all
 * such events mark the same task.
 */
export const catalog: Handler = {
  eventTypes: ["catalog.version.updated"],
  interpret: () => [{ kind: "pending_fetch", value: { object_type: "catalog", object_id: "catalog" } }],
};

/**
 * The variations in a catalog object: those of an item, or the object itself. Any other object has none. Square
 * sends a deleted variation without its data. It is skipped, so old bookings keep its name.
 *
 * @param object a catalog object in wire shape, from the API
 * @throws {InvalidPayload}
 */
export function serviceVariationsOf(object: unknown): ServiceVariation[] {
  const { type } = parseCatalogObject(object);
  if (type === "ITEM_VARIATION") return variationsOf(object, null);
  if (type !== "ITEM") return [];
  const { item_data } = parseItem(object);
  return (item_data?.variations ?? []).flatMap((variation) =>
    variationsOf(variation, item_data?.name ?? null),
  );
}

const MINUTE_MS = 60_000n;
const LONGEST_MINUTES = 2n ** 31n - 1n;

function variationsOf(object: unknown, itemName: string | null): ServiceVariation[] {
  const { id, version, item_variation_data: data } = parseItemVariation(object);
  if (!data) return [];
  const minutes = data.service_duration == null ? null : data.service_duration / MINUTE_MS;
  return [
    {
      square_variation_id: id,
      name: data.name ?? itemName ?? id,
      item_name: itemName,
      duration_minutes: minutes === null || minutes > LONGEST_MINUTES ? null : Number(minutes),
      price_cents: data.price_money?.amount ?? null,
      currency: data.price_money?.currency ?? null,
      version: version ?? 0n,
    },
  ];
}
