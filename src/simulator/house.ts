import { retailSale } from "./clients.js";
import { newItem, newLocation, newTeamMember, repriced } from "./house-record.js";
import { familyNames, givenNames, locationNames, services } from "./names.js";
import type { TeamMemberJson } from "./objects.js";
import { nextBetween, openingHours } from "./opening-hours.js";
import { milliseconds } from "./wire-time.js";
import { DAY, type Place, type World, YEAR } from "./world.js";

/** The salon's locations, team and services, and their changes over the years. */

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
  const timezone = timeZones[index] ?? "UTC";
  const hours = openingHours[index % openingHours.length] ?? [];
  const { merchant } = world.truth;
  const id = index === 0 ? merchant.main_location_id : world.locationId();
  const phone_number = `+1503555${String(index).padStart(4, "0")}`;
  world.places.push({ id, timeZone: timezone, hours, staff: [] });
  const details = { id, name: locationNames[index] ?? id, timezone, phone_number };
  world.ledger.putLocation(newLocation(merchant, details, hours));
}

function hire(world: World, place: Place, isOwner: boolean): void {
  const { random } = world;
  const given_name = random.pick(givenNames);
  const family_name = random.pick(familyNames);
  const id = world.teamMemberId();
  place.staff = [...place.staff, id];
  const person = { id, given_name, family_name, phone_number: phoneNumber(world) };
  world.ledger.putTeamMember(newTeamMember(person, world.now, isOwner ? undefined : place.id));
}

function phoneNumber({ random }: World): string {
  return `+1503555${String(random.int(0, 9999)).padStart(4, "0")}`;
}

function addItem(
  world: World,
  name: string,
  variations: readonly (readonly [string, number, number])[],
): void {
  const itemId = world.catalogId();
  const version = world.now;
  const details = variations.map(([name, minutes, price]) => ({
    id: world.catalogId(),
    name,
    minutes,
    price,
  }));
  for (const { id, minutes, price } of details) world.services.push({ id, itemId, minutes, price, version });
  world.ledger.putCatalogItem(newItem({ id: itemId, name, currency: world.currency }, version, details));
}

/** Raises the price of one service. Later bookings carry the new catalog version. */
function raisePrices(world: World): void {
  const service = world.random.pick(world.services);
  const item = world.truth.catalog.get(service.itemId);
  if (!item) return;
  service.price += world.random.int(1, 5) * 100;
  service.version = world.now;
  world.ledger.putCatalogItem(repriced(item, service.id, service.price, world.now));
  world.ledger.announceCatalog();
}

function changeLocation(world: World): void {
  const { random, truth } = world;
  const location = truth.locations.get(random.pick(world.places).id);
  if (!location) return;
  world.ledger.putLocation({ ...location, phone_number: phoneNumber(world) });
}

/** Changes a team member's details, or replaces a member who leaves. */
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
