/** Random organizations for property tests. The same seed makes the same organization. */
import type { Database } from "../../src/database/database.js";
import { Random } from "../../src/simulator/random.js";
import { type Salon, simulateSalon } from "../../src/simulator/salon.js";
import { withGaps, withRarities } from "./rarities.js";
import { turbulence } from "./turbulence.js";
import { customerIdsOf, makeOrganization, readFacts, takeIn } from "./worlds.js";

const DAY = 86_400_000;

export interface RandomWorld {
  readonly organizationId: string;
  readonly start: Date;
  /** The end of the simulation. Bookings may be later. */
  readonly end: Date;
}

/** Valid and invalid settings of an organization. A value that is not a number of days is ignored. */
const settings: readonly unknown[] = [
  {},
  { segments: { new: 30, active: 42, at_risk: 90 } },
  { segments: { new: 7, active: 14 } },
  { segments: { new: 0, active: 1, at_risk: 1 } },
  { segments: { at_risk: 20 } },
  { segments: { active: 60, at_risk: 45 } },
  { segments: { new: 400, active: 500, at_risk: 1000 } },
  { segments: { new: null, active: "21", at_risk: true } },
  { segments: { new: -5, active: [7], at_risk: {} } },
  { segments: null },
  { segments: "fast", colour: "red" },
];

const timeZones = [
  "America/Los_Angeles",
  "America/Phoenix",
  "Europe/London",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Kiritimati",
  "UTC",
];

/** Simulates a turbulent salon, processes all its events in mixed order, and inserts referrals and locations. */
export async function makeRandomWorld(database: Database, seed: number): Promise<RandomWorld> {
  const random = new Random(`world ${seed}`);
  // The period contains both changes of the clocks.
  const start = new Date(Date.UTC(2024, random.int(0, 23), random.int(1, 28)));
  const end = new Date(start.getTime() + random.int(15, 110) * DAY);
  const currency = random.pick(["USD", "USD", "EUR", "JPY"]);
  const salon = simulateSalon({
    ...turbulence,
    seed,
    start,
    end,
    merchantId: `M-WORLD-${seed}`,
    customers: random.int(1, 8),
    locations: random.int(1, 3),
    arrivalsUntil: new Date(start.getTime() + 30 * DAY),
    currency,
  });
  const organizationId = await makeOrganization(database, salon.merchantId, {
    // The organization's currency is sometimes not that of most payments.
    currency: random.chance(0.2) ? "CAD" : currency,
    timeZone: random.pick(timeZones),
    settings: random.pick(settings),
  });
  const events = [...salon.events()].map(({ event }) => withGaps(withRarities(event)));
  const order = random.chance(0.5) ? random.shuffle(events) : events;
  await takeIn(database, order, end, 1_000);
  await settleLocations(database, organizationId, salon, random);
  await addReferrals(database, organizationId, random);
  return { organizationId, start, end };
}

/** Of the locations in bookings and payments some are fetched, some have no zone, and some are unknown. */
async function settleLocations(database: Database, organizationId: string, salon: Salon, random: Random) {
  for (const { id, name, timezone } of salon.locations) {
    const fate = random.weighted({ fetched: 5, placeholder: 2, zoneless: 1, unknown: 2 });
    if (fate === "placeholder") continue;
    if (fate === "unknown") {
      await database.pool.query(
        "delete from locations where organization_id = $1 and square_location_id = $2",
        [organizationId, id],
      );
      continue;
    }
    await database.pool.query(
      `update locations set name = $3, time_zone = $4, is_placeholder = false
       where organization_id = $1 and square_location_id = $2`,
      [organizationId, id, name, fate === "fetched" ? timezone : null],
    );
  }
}

/** Profiles and rewards of customers, of merged ids, and of ids that Square never sent. */
async function addReferrals(database: Database, organizationId: string, random: Random) {
  const ids = [...customerIdsOf(await readFacts(database, organizationId)), "STRANGER-1", "STRANGER-2"];
  for (const id of ids.filter(() => random.chance(0.3))) {
    await database.pool.query(
      `insert into referral_profiles
         (organization_id, square_customer_id, referral_code, used_referral_code, activated_as_referrer, activated_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        organizationId,
        id,
        `CODE-${id}`,
        random.chance(0.5) ? `CODE-${random.pick(ids)}` : null,
        random.chance(0.5),
        random.chance(0.5) ? new Date(1_700_000_000_000 + random.int(0, 1e9)) : null,
      ],
    );
  }
  for (let reward = 0; reward < random.int(0, 6); reward++) {
    await database.pool.query("insert into referral_rewards values ($1, $2, $3, $4, $5, $6)", [
      organizationId,
      `R${reward}`,
      random.pick(ids),
      random.pick(ids),
      random.pick(["PAID", "PAID", "PENDING", "VOID"]),
      random.int(0, 5000),
    ]);
  }
}
