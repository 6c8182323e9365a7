import type { CatalogItemJson, TeamMemberJson } from "../objects.js";
import { milliseconds } from "../wire-time.js";
import type { Call, Listing } from "./call.js";
import type { Endpoint } from "./endpoint.js";
import { idsOf, instantOf, lenientLimit, objectOf, strictLimit, textsOf } from "./parameters.js";
import { badRequest, forbidden, notFound } from "./refusal.js";

/** The merchant, its locations, team and catalog, and orders by id. */
export const directoryEndpoints: readonly Endpoint[] = [
  {
    name: "GET /v2/merchants/{merchant_id}",
    key: "merchant",
    answer: ({ present, id }) => {
      const { merchant } = present.truth;
      if (id !== "me" && id !== merchant.id) throw notFound("Could not find merchant with the given id.");
      return { object: { merchant } };
    },
  },
  {
    name: "POST /oauth2/token/status",
    key: "scopes",
    answer: ({ merchant, now }) => {
      const { scopes, oauth, id } = merchant;
      const expires_at = oauth ? { expires_at: milliseconds(now + 30 * 86_400_000) } : {};
      return { object: { scopes, ...expires_at, client_id: "sq0idp-simulated", merchant_id: id } };
    },
  },
  {
    name: "GET /v2/webhooks/subscriptions",
    key: "subscriptions",
    accepts: ["cursor", "limit", "include_disabled"],
    answer: ({ merchant, query }) => {
      if (merchant.oauth) throw forbidden(403, "Subscriptions are listed with a personal access token only.");
      return {
        list: {
          key: "subscriptions",
          limit: strictLimit(query.limit, 100),
          rows: () => merchant.subscriptions,
        },
      };
    },
  },
  {
    name: "GET /v2/locations",
    key: "locations",
    answer: ({ listed }) => ({ object: filled("locations", listed.all("locations")) }),
  },
  {
    name: "GET /v2/locations/{location_id}",
    key: "location",
    answer: ({ present, id }) => {
      const known = id === "main" ? present.truth.merchant.main_location_id : id;
      const location = present.get("locations", known);
      if (!location) throw notFound("Could not find location with the given id.");
      return { object: { location } };
    },
  },
  {
    name: "POST /v2/team-members/search",
    key: "team_members",
    accepts: ["query", "limit", "cursor"],
    answer: (call) => ({ list: searchTeam(call) }),
  },
  {
    name: "POST /v2/catalog/search",
    key: "objects",
    accepts: [
      "object_types",
      "begin_time",
      "include_deleted_objects",
      "include_related_objects",
      "limit",
      "cursor",
    ],
    answer: (call) => ({ list: searchCatalog(call) }),
  },
  {
    name: "POST /v2/orders/batch-retrieve",
    key: "orders",
    accepts: ["order_ids", "location_id"],
    answer: ({ present, body }) => {
      const orders = idsOf(body.order_ids, "order_ids").flatMap((id) => present.get("orders", id) ?? []);
      return { object: filled("orders", orders) };
    },
  },
];

function filled(key: string, rows: readonly object[]): object {
  return rows.length > 0 ? { [key]: rows } : {};
}

function searchTeam({ body, listed }: Call): Listing {
  const filter = objectOf(objectOf(body.query, "query").filter, "query.filter");
  const locations = textsOf(filter.location_ids, "query.filter.location_ids");
  const wanted = ({ status, is_owner, assigned_locations }: TeamMemberJson): boolean =>
    (filter.status === undefined || status === filter.status) &&
    (filter.is_owner === undefined || is_owner === filter.is_owner) &&
    (!locations ||
      assigned_locations.assignment_type === "ALL_CURRENT_AND_FUTURE_LOCATIONS" ||
      locations.some((id) => assigned_locations.location_ids?.includes(id)));
  return {
    key: "team_members",
    limit: strictLimit(body.limit, 200, 100),
    rows: () => listed.all("teamMembers").filter(wanted),
  };
}

/** Items carry their variations; asked for by type, variations stand in the list by themselves as well. */
function searchCatalog({ body, listed, listedAt }: Call): Listing {
  const types = textsOf(body.object_types, "object_types") ?? ["ITEM"];
  const unknown = types.find((type) => type !== "ITEM" && type !== "ITEM_VARIATION");
  if (unknown !== undefined) {
    throw badRequest("INVALID_ENUM_VALUE", "This catalog has items and variations only.", "object_types");
  }
  const after = instantOf(body.begin_time, "begin_time");
  const wanted = ({ updated_at, is_deleted }: { updated_at: string; is_deleted: boolean }): boolean =>
    (after === undefined || Date.parse(updated_at) > after) &&
    (!is_deleted || body.include_deleted_objects === true);
  const matching = (item: CatalogItemJson): object[] => [
    ...(types.includes("ITEM") && wanted(item) ? [item] : []),
    ...(types.includes("ITEM_VARIATION") ? item.item_data.variations.filter(wanted) : []),
  ];
  const beside = (rows: readonly object[]): object => ({
    ...(body.include_related_objects === true && relatedTo(rows, listed.all("catalog"))),
    latest_time: milliseconds(listedAt),
  });
  const rows = () => listed.all("catalog").flatMap(matching);
  return { key: "objects", limit: lenientLimit(body.limit, 1_000), rows, beside };
}

/** The items of the variations on a page. */
function relatedTo(rows: readonly object[], items: readonly CatalogItemJson[]): object {
  const wanted = new Set(
    rows.flatMap((row) =>
      "item_variation_data" in row ? (row.item_variation_data as { item_id: string }).item_id : [],
    ),
  );
  return filled(
    "related_objects",
    items.filter(({ id }) => wanted.has(id)),
  );
}
