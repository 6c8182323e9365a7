import { z } from "zod";
import { int64, optionalMoney, optionalName, optionalText, parser, requiredName } from "./fields.js";

/** @see https://developer.squareup.com/reference/square/objects/CatalogObject */
const objectSchema = z.object({ type: optionalName });

const itemSchema = z.object({
  item_data: z.object({ name: optionalText, variations: z.array(z.unknown()).nullish() }).nullish(),
});

const variationSchema = z.object({
  id: requiredName,
  version: int64.nullish(),
  item_variation_data: z
    .object({
      name: optionalText,
      /** Milliseconds. */
      service_duration: int64.nullish(),
      price_money: optionalMoney,
    })
    .nullish(),
});

export const parseCatalogObject = parser("catalog_object", objectSchema);
export const parseItem = parser("catalog_object", itemSchema);
export const parseItemVariation = parser("item_variation", variationSchema);
