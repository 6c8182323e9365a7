/** The salon before a story begins. No event is about this state. */
import { newItem, newLocation, newMerchant, newTeamMember } from "../../../src/simulator/house-record.js";
import { emptyTruth, type Truth } from "../../../src/simulator/ledger.js";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The organization's time zone. No location has it, so a placeholder differs from the fetched location. */
export const ORGANIZATION_ZONE = "America/Denver";

export const people = ["ann", "ben", "cem"] as const;
/** Profiles that merges create. */
export const survivors = ["m1", "m2", "m3"] as const;
export const places = ["L1", "L2"] as const;
export const staff = ["t1", "t2"] as const;
export const services = ["cut", "color"] as const;

export function openSalon(merchantId: string, start: number): Truth {
  // Bookings are read month by month, from a year before the merchant was created. The late time saves empty months.
  const created = start + 365 * DAY - 31 * DAY;
  const merchant = newMerchant({ id: merchantId, main_location_id: "L1", currency: "USD" }, created);
  const zones = { L1: "America/Los_Angeles", L2: "America/New_York" };
  const phone_number = "+15035550100";
  const locationOf = (id: (typeof places)[number]) =>
    newLocation(merchant, { id, name: `Salon ${id}`, timezone: zones[id], phone_number });
  const memberOf = (id: string) =>
    newTeamMember({ id, given_name: id, family_name: "Staff", phone_number }, start - DAY);
  const variations = services.map((id) => ({ id, name: id, minutes: 45, price: 4_000 }));
  const item = newItem({ id: "services", name: "Services", currency: "USD" }, start - DAY, variations);
  return {
    ...emptyTruth(merchant),
    locations: new Map(places.map((id) => [id, locationOf(id)])),
    teamMembers: new Map(staff.map((id) => [id, memberOf(id)])),
    catalog: new Map([[item.id, item]]),
  };
}
