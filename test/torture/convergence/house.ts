/** Commands about the salon itself, whose events carry no object, and about the delivery of events. */
import fc from "fast-check";
import { repriced } from "../../../src/simulator/house-record.js";
import { milliseconds } from "../../../src/simulator/wire-time.js";
import { command, oneOf } from "./command.js";
import { places, services, staff } from "./salon.js";

const moveClock = command(
  { place: oneOf(...places), zone: oneOf("Europe/London", "Asia/Kathmandu") },
  ({ truth, ledger }, { place, zone }) => {
    const location = truth.locations.get(place);
    if (!location) return undefined;
    ledger.putLocation({ ...location, timezone: zone });
    return `${place} gets the time zone ${zone}`;
  },
);

const renameStaff = command(
  { id: oneOf(...staff), leaves: fc.boolean() },
  ({ truth, ledger, now }, { id, leaves }) => {
    const member = truth.teamMembers.get(id);
    if (!member) return undefined;
    const updated_at = milliseconds(Math.max(now, Date.parse(member.updated_at) + 1));
    const changed = leaves ? ({ status: "INACTIVE" } as const) : { family_name: `Married ${updated_at}` };
    ledger.putTeamMember({ ...member, ...changed, updated_at });
    return leaves ? `${id} leaves` : `${id} marries`;
  },
);

const raisePrice = command({ service: oneOf(...services) }, ({ truth, ledger, now }, { service }) => {
  const item = truth.catalog.get("services");
  if (!item) return undefined;
  const { price_money } =
    item.item_data.variations.find(({ id }) => id === service)?.item_variation_data ?? {};
  ledger.putCatalogItem(repriced(item, service, (price_money?.amount ?? 0) + 100, now));
  ledger.announceCatalog();
  return `${service} gets dearer`;
});

const revoke = command({}, (world) => {
  if (world.revoked) return undefined;
  world.revoked = true;
  world.ledger.announceRevocation();
  return "the merchant revokes our access";
});

export const askSquare = command(
  { lagMinutes: oneOf(0, 4), findsNobody: oneOf(false, false, true) },
  (world, pull) => {
    if (!world.asks) return undefined;
    world.send("a pull", { pull });
    const behind = pull.lagMinutes ? `, its lists ${pull.lagMinutes} minutes behind` : "";
    return `Square is asked${behind}${pull.findsNobody ? ", and finds nobody by an id" : ""}`;
  },
);

export const breakDown = command({}, (world) => {
  if (!world.asks) return undefined;
  world.outage = !world.outage;
  return world.outage ? "from now on no event gets through" : "events get through again";
});

/** Outages, and pulls in the middle of a story. */
export const deliveryCommands = [
  { weight: 2, arbitrary: breakDown.arbitrary },
  { weight: 2, arbitrary: askSquare.arbitrary },
];

export const houseCommands = [
  { weight: 2, arbitrary: moveClock.arbitrary },
  { weight: 1, arbitrary: renameStaff.arbitrary },
  { weight: 1, arbitrary: raisePrice.arbitrary },
  { weight: 1, arbitrary: revoke.arbitrary },
];
