import type { CatalogItemJson } from "../objects.js";
import { milliseconds } from "../wire-time.js";
import type { Call, Endpoints, Listing } from "./endpoint.js";
import { idsOf, instantOf, lenientLimit, strictLimit } from "./parameters.js";
import { badRequest } from "./refusal.js";

const SCOPES = [
  "MERCHANT_PROFILE_READ",
  "APPOINTMENTS_READ",
  "APPOINTMENTS_ALL_READ",
  "APPOINTMENTS_BUSINESS_SETTINGS_READ",
  "CUSTOMERS_READ",
  "EMPLOYEES_READ",
  "ITEMS_READ",
  "ORDERS_READ",
  "PAYMENTS_READ",
];

/** The merchant, its locations, team and catalog, and orders by id. */
export const directoryEndpoints: Endpoints = {
  "GET /v2/merchants/me": { object: ({ truth }) => ({ merchant: truth.merchant }) },
  "POST /oauth2/token/status": {
    object: ({ truth }) => ({
      scopes: SCOPES,
      client_id: "sq0idp-simulated",
      merchant_id: truth.merchant.id,
    }),
  },
  "GET /v2/locations": {
    object: ({ listed }) => ({ locations: [...listed.locations.values()] }),
  },
  "POST /v2/team-members/search": {
    accepts: ["limit"],
    list: ({ given, listed }) => ({
      key: "team_members",
      limit: strictLimit(given.limit, 200, 100),
      rows: () => [...listed.teamMembers.values()],
    }),
  },
  "POST /v2/catalog/search": {
    accepts: ["object_types", "begin_time", "include_deleted_objects", "include_related_objects", "limit"],
    list: searchCatalog,
  },
  "POST /v2/orders/batch-retrieve": {
    accepts: ["order_ids"],
    object: ({ truth, given }) => {
      const orders = idsOf(given.order_ids, "order_ids").flatMap((id) => truth.orders.get(id) ?? []);
      return orders.length > 0 ? { orders } : {};
    },
  },
};

/**
 * Items contain their variations. If the request asks for variations by type, the list also has them by themselves.
 */
function searchCatalog({ given, listed, now }: Call): Listing {
  const types = idsOf(given.object_types ?? ["ITEM"], "object_types");
  if (types.some((type) => type !== "ITEM" && type !== "ITEM_VARIATION")) {
    throw badRequest("INVALID_ENUM_VALUE", "This catalog has items and variations only.", "object_types");
  }
  const after = instantOf(given.begin_time, "begin_time");
  const wanted = ({ updated_at, is_deleted }: { updated_at: string; is_deleted: boolean }): boolean =>
    (after === undefined || Date.parse(updated_at) > after) &&
    (!is_deleted || given.include_deleted_objects === true);
  const matching = (item: CatalogItemJson): object[] => [
    ...(types.includes("ITEM") && wanted(item) ? [item] : []),
    ...(types.includes("ITEM_VARIATION") ? item.item_data.variations.filter(wanted) : []),
  ];
  const rows = () => [...listed.catalog.values()].flatMap(matching);
  const beside = () => ({ latest_time: milliseconds(now) });
  return { key: "objects", limit: lenientLimit(given.limit, 1_000), rows, beside };
}
