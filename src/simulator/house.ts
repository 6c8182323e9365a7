import { retailSale } from "./clients.js";
import { familyNames, givenNames, locationNames, services } from "./names.js";
import type { CatalogItemJson, TeamMemberJson } from "./objects.js";
import { businessHours, nextBetween, openingHours } from "./opening-hours.js";
import { milliseconds } from "./wire-time.js";
import { DAY, MINUTE, type Place, type World, YEAR } from "./world.js";

/** The salon itself: its locations, team and services, and what changes about them over the years. */

const timeZones = [
  "America/Los_Angeles",
  "America/Denver",
  "America/New_York",
  "America/Phoenix",
  "America/Chicago",
];

/** @throws {RangeError} unless there are 1 to 5 locations and at least one team member for each */
export function openHouse(world: World, locations: number, staff: number): void {
  if (!Number.isInteger(locations) || locations < 1 || locations > timeZones.length) {
    throw new RangeError(`a salon has 1 to ${timeZones.length} locations, not ${locations}`);
  }
  if (!Number.isInteger(staff) || staff < locations) {
    throw new RangeError(`${locations} locations need at least as many team members, not ${staff}`);
  }
  for (let index = 0; index < locations; index++) openLocation(world, index);
  for (let index = 0; index < staff; index++) {
    hire(world, world.places[index % locations] as Place, index === 0);
  }
  for (const [itemName, variations] of services) addItem(world, itemName, variations);
  world.ledger.announceCatalog();
  world.everySoOften(world.rates.catalogChangesPerYear, () => raisePrices(world));
  world.everySoOften(world.rates.locationChangesPerYear, () => changeLocation(world));
  world.everySoOften(world.rates.teamChangesPerYear * staff, () => changeTeam(world));
  for (const place of world.places) {
    world.everySoOften(world.rates.walkInSalesPerDay * (YEAR / DAY), () => walkInSale(world, place));
  }
}

function openLocation(world: World, index: number): void {
  const timeZone = timeZones[index] ?? "UTC";
  const hours = openingHours[index % openingHours.length] ?? [];
  const { merchant } = world.truth;
  const id = index === 0 ? merchant.main_location_id : world.locationId();
  world.places.push({ id, timeZone, hours, staff: [] });
  world.ledger.putLocation({
    id,
    name: locationNames[index] ?? id,
    timezone: timeZone,
    currency: world.currency,
    country: merchant.country,
    language_code: merchant.language_code,
    status: "ACTIVE",
    type: "PHYSICAL",
    merchant_id: merchant.id,
    business_name: merchant.business_name,
    phone_number: `+1503555${String(index).padStart(4, "0")}`,
    created_at: merchant.created_at,
    capabilities: ["CREDIT_CARD_PROCESSING", "AUTOMATIC_TRANSFERS"],
    business_hours: { periods: businessHours(hours) },
  });
}

function hire(world: World, place: Place, owner: boolean): void {
  const { random } = world;
  const given = random.pick(givenNames);
  const family = random.pick(familyNames);
  const id = world.teamMemberId();
  const time = milliseconds(world.now);
  place.staff = [...place.staff, id];
  world.ledger.putTeamMember({
    id,
    is_owner: owner,
    status: "ACTIVE",
    given_name: given,
    family_name: family,
    email_address: `${given}.${family}@salon.example.com`.toLowerCase(),
    phone_number: `+1503555${String(random.int(0, 9999)).padStart(4, "0")}`,
    created_at: time,
    updated_at: time,
    assigned_locations: owner
      ? { assignment_type: "ALL_CURRENT_AND_FUTURE_LOCATIONS" }
      : { assignment_type: "EXPLICIT_LOCATIONS", location_ids: [place.id] },
  });
}

function addItem(
  world: World,
  name: string,
  variations: readonly (readonly [string, number, number])[],
): void {
  const itemId = world.catalogId();
  const version = world.now;
  const item: CatalogItemJson = {
    type: "ITEM",
    id: itemId,
    version,
    updated_at: milliseconds(version),
    is_deleted: false,
    present_at_all_locations: true,
    item_data: {
      name,
      product_type: "APPOINTMENTS_SERVICE",
      variations: variations.map(([variation, minutes, price], index) => {
        const id = world.catalogId();
        world.services.push({ id, itemId, minutes, price, version });
        return {
          type: "ITEM_VARIATION",
          id,
          version,
          updated_at: milliseconds(version),
          is_deleted: false,
          present_at_all_locations: true,
          item_variation_data: {
            item_id: itemId,
            name: variation,
            ordinal: index + 1,
            pricing_type: "FIXED_PRICING",
            price_money: { amount: price, currency: world.currency },
            service_duration: minutes * MINUTE,
            available_for_booking: true,
          },
        };
      }),
    },
  };
  world.ledger.putCatalogItem(item);
}

/** One service gets dearer; its bookings carry the new catalog version from then on. */
function raisePrices(world: World): void {
  const service = world.random.pick(world.services);
  const item = world.truth.catalog.get(service.itemId);
  if (!item) return;
  service.price += world.random.int(1, 5) * 100;
  service.version = world.now;
  const renewed = { version: world.now, updated_at: milliseconds(world.now) };
  const variations = item.item_data.variations.map((variation) => {
    if (variation.id !== service.id) return variation;
    const price_money = { amount: service.price, currency: world.currency };
    return {
      ...variation,
      ...renewed,
      item_variation_data: { ...variation.item_variation_data, price_money },
    };
  });
  world.ledger.putCatalogItem({ ...item, ...renewed, item_data: { ...item.item_data, variations } });
  world.ledger.announceCatalog();
}

function changeLocation(world: World): void {
  const { random, truth } = world;
  const location = truth.locations.get(random.pick(world.places).id);
  if (!location) return;
  const phone_number = `+1503555${String(random.int(0, 9999)).padStart(4, "0")}`;
  world.ledger.putLocation({ ...location, phone_number });
}

/** Somebody's details change, or somebody leaves and is replaced. */
function changeTeam(world: World): void {
  const { random, truth } = world;
  const place = random.pick(world.places);
  const member = truth.teamMembers.get(random.pick(place.staff));
  if (!member) return;
  const later = Math.max(world.now, Date.parse(member.updated_at) + 1);
  const renewed: TeamMemberJson = { ...member, updated_at: milliseconds(later) };
  if (random.chance(0.6) || member.is_owner) {
    world.ledger.putTeamMember({ ...renewed, family_name: random.pick(familyNames) });
    return;
  }
  world.ledger.putTeamMember({ ...renewed, status: "INACTIVE" });
  place.staff = place.staff.filter((id) => id !== member.id);
  hire(world, place, false);
}

function walkInSale(world: World, place: Place): void {
  world.at(nextBetween(place.timeZone, world.now, [9 * 60, 19 * 60]), () => retailSale(world, place, null));
}
