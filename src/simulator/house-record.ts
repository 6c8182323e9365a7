import type {
  CatalogItemJson,
  CatalogVariationJson,
  LocationJson,
  MerchantJson,
  TeamMemberJson,
} from "./objects.js";
import { businessHours, type OpeningHours } from "./opening-hours.js";
import { milliseconds } from "./wire-time.js";
import { MINUTE, type Service } from "./world.js";

/** Makes Square's objects of a salon: merchant, locations, team and services. */

/** @param created epoch milliseconds */
export function newMerchant(
  { id, main_location_id, currency }: Pick<MerchantJson, "id" | "main_location_id" | "currency">,
  created: number,
): MerchantJson {
  return {
    id,
    business_name: "Simulated Salon",
    country: "US",
    currency,
    language_code: "en-US",
    main_location_id,
    status: "ACTIVE",
    created_at: milliseconds(created),
  };
}

export function newLocation(
  merchant: MerchantJson,
  { id, name, timezone, phone_number }: Pick<LocationJson, "id" | "name" | "timezone" | "phone_number">,
  hours: OpeningHours = [],
): LocationJson {
  return {
    id,
    name,
    timezone,
    currency: merchant.currency,
    country: merchant.country,
    language_code: merchant.language_code,
    status: "ACTIVE",
    type: "PHYSICAL",
    merchant_id: merchant.id,
    business_name: merchant.business_name,
    phone_number,
    created_at: merchant.created_at,
    capabilities: ["CREDIT_CARD_PROCESSING", "AUTOMATIC_TRANSFERS"],
    business_hours: { periods: businessHours(hours) },
  };
}

/** @param location where the member works; without it everywhere, like an owner */
export function newTeamMember(
  person: Pick<TeamMemberJson, "id" | "given_name" | "family_name" | "phone_number">,
  created: number,
  location?: string,
): TeamMemberJson {
  const { id, given_name, family_name, phone_number } = person;
  return {
    id,
    is_owner: location === undefined,
    status: "ACTIVE",
    given_name,
    family_name,
    email_address: `${given_name}.${family_name}@salon.example.com`.toLowerCase(),
    phone_number,
    created_at: milliseconds(created),
    updated_at: milliseconds(created),
    assigned_locations:
      location === undefined
        ? { assignment_type: "ALL_CURRENT_AND_FUTURE_LOCATIONS" }
        : { assignment_type: "EXPLICIT_LOCATIONS", location_ids: [location] },
  };
}

/** An item of the catalog with its services. @param version epoch milliseconds */
export function newItem(
  { id, name, currency }: { readonly id: string; readonly name: string; readonly currency: string },
  version: number,
  services: readonly (Pick<Service, "id" | "minutes" | "price"> & { readonly name: string })[],
): CatalogItemJson {
  const stand = {
    version,
    updated_at: milliseconds(version),
    is_deleted: false,
    present_at_all_locations: true,
  } as const;
  const variations = services.map(
    (service, index): CatalogVariationJson => ({
      type: "ITEM_VARIATION",
      id: service.id,
      ...stand,
      item_variation_data: {
        item_id: id,
        name: service.name,
        ordinal: index + 1,
        pricing_type: "FIXED_PRICING",
        price_money: { amount: service.price, currency },
        service_duration: service.minutes * MINUTE,
        available_for_booking: true,
      },
    }),
  );
  return {
    type: "ITEM",
    id,
    ...stand,
    item_data: { name, product_type: "APPOINTMENTS_SERVICE", variations },
  };
}

/** The item with a new price of one service. Both get a new version, epoch milliseconds. */
export function repriced(
  item: CatalogItemJson,
  serviceId: string,
  amount: number,
  version: number,
): CatalogItemJson {
  const renewed = { version, updated_at: milliseconds(version) };
  const variations = item.item_data.variations.map((variation) => {
    if (variation.id !== serviceId) return variation;
    const { item_variation_data } = variation;
    const price_money = { ...item_variation_data.price_money, amount };
    return { ...variation, ...renewed, item_variation_data: { ...item_variation_data, price_money } };
  });
  return { ...item, ...renewed, item_data: { ...item.item_data, variations } };
}
