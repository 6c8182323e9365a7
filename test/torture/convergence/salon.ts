/** The salon of the stories as it stands before they begin, of which no event tells. */
import { emptyTruth, type Truth } from "../../../src/simulator/ledger.js";
import type { LocationJson } from "../../../src/simulator/objects.js";
import { milliseconds } from "../../../src/simulator/wire-time.js";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The organization's, which neither location has: a placeholder in it differs from the fetched location. */
export const ORGANIZATION_ZONE = "America/Denver";

export const people = ["ann", "ben", "cem"] as const;
/** Profiles that merges make. */
export const survivors = ["m1", "m2", "m3"] as const;
export const places = ["L1", "L2"] as const;
export const staff = ["t1", "t2"] as const;
export const services = ["cut", "color"] as const;

export function openSalon(merchantId: string, start: number): Truth {
  // Square's lists of bookings are read in windows of a month, from a year before the merchant: those would all be empty.
  const created_at = milliseconds(start + 365 * DAY - 31 * DAY);
  const merchant = {
    id: merchantId,
    business_name: "Salon of the stories",
    country: "US",
    currency: "USD",
    language_code: "en-US",
    main_location_id: "L1",
    status: "ACTIVE",
    created_at,
  } as const;
  const zones = { L1: "America/Los_Angeles", L2: "America/New_York" };
  const location = (id: (typeof places)[number]): LocationJson => ({
    id,
    name: `Salon ${id}`,
    timezone: zones[id],
    currency: "USD",
    country: "US",
    language_code: "en-US",
    status: "ACTIVE",
    type: "PHYSICAL",
    merchant_id: merchantId,
    business_name: merchant.business_name,
    phone_number: "+15035550100",
    created_at,
    capabilities: [],
    business_hours: { periods: [] },
  });
  return {
    ...emptyTruth(merchant),
    locations: new Map(places.map((id) => [id, location(id)])),
    teamMembers: new Map(staff.map((id) => [id, memberOf(id, milliseconds(start - DAY))])),
    catalog: new Map([["services", itemOf(start - DAY)]]),
  };
}

function memberOf(id: string, created_at: string) {
  return {
    id,
    is_owner: false,
    status: "ACTIVE",
    given_name: id,
    family_name: "Staff",
    email_address: `${id}@salon.example.com`,
    phone_number: "+15035550101",
    created_at,
    updated_at: created_at,
    assigned_locations: { assignment_type: "ALL_CURRENT_AND_FUTURE_LOCATIONS" },
  } as const;
}

function itemOf(version: number) {
  const times = { version, updated_at: milliseconds(version), is_deleted: false };
  const variation = (id: string, ordinal: number) =>
    ({
      type: "ITEM_VARIATION",
      id,
      ...times,
      present_at_all_locations: true,
      item_variation_data: {
        item_id: "services",
        name: id,
        ordinal,
        pricing_type: "FIXED_PRICING",
        price_money: { amount: 4_000, currency: "USD" },
        service_duration: 45 * MINUTE,
        available_for_booking: true,
      },
    }) as const;
  return {
    type: "ITEM",
    id: "services",
    ...times,
    present_at_all_locations: true,
    item_data: {
      name: "Services",
      product_type: "APPOINTMENTS_SERVICE",
      variations: services.map((id, index) => variation(id, index + 1)),
    },
  } as const;
}
