import { z } from "zod";
import { INT64_MAX, int64, money, optionalName, optionalText, parseObject, requiredName } from "./fields.js";

/** Columns of `service_variations`. */
export interface ServiceVariation {
  readonly square_variation_id: string;
  readonly name: string;
  /** NULL when the object told nothing of its item. */
  readonly item_name: string | null;
  readonly duration_minutes: number | null;
  readonly price_cents: bigint | null;
  readonly currency: string | null;
  /** Epoch milliseconds; what orders copies of one object. */
  readonly version: bigint;
}

const variationSchema = z.object({
  id: requiredName,
  version: int64.nullish(),
  item_variation_data: z
    .object({
      name: optionalText,
      /** Milliseconds. */
      service_duration: int64.nullish(),
      price_money: money.partial().nullish(),
    })
    .nullish(),
});

const itemSchema = z.object({
  item_data: z.object({ name: optionalText, variations: z.array(z.unknown()).nullish() }).nullish(),
});

const typeSchema = z.object({ type: optionalName });

/**
 * Reads the variations out of a catalog object: those of an item, or one that stands by itself. Any other object has none.
 * A deleted one keeps its name, since old bookings still mean it; Square then sends it without its data, and nothing
 * is learnt.
 *
 * @throws {InvalidPayload}
 * @see https://developer.squareup.com/reference/square/objects/CatalogObject
 */
export function parseServiceVariations(object: unknown): ServiceVariation[] {
  const { type } = parseObject("catalog_object", typeSchema, object);
  if (type === "ITEM_VARIATION") return readVariation(object, null);
  if (type !== "ITEM") return [];
  const { item_data } = parseObject("catalog_object", itemSchema, object);
  return (item_data?.variations ?? []).flatMap((variation) =>
    readVariation(variation, item_data?.name ?? null),
  );
}

const MINUTE_MS = 60_000n;
const LONGEST_MINUTES = 2n ** 31n - 1n;

function readVariation(object: unknown, itemName: string | null): ServiceVariation[] {
  const { id, version, item_variation_data: data } = parseObject("item_variation", variationSchema, object);
  if (!data) return [];
  const minutes = data.service_duration == null ? null : data.service_duration / MINUTE_MS;
  const price = data.price_money;
  return [
    {
      square_variation_id: id,
      name: data.name ?? itemName ?? id,
      item_name: itemName,
      duration_minutes: minutes === null || minutes > LONGEST_MINUTES ? null : Number(minutes),
      price_cents: price?.amount == null || price.amount > INT64_MAX ? null : price.amount,
      currency: price?.currency ?? null,
      version: version ?? 0n,
    },
  ];
}
