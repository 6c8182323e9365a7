/** Reports read kept days, and tell what the facts tell. */
import { beforeEach, expect, it } from "vitest";
import { keepDays } from "../../src/days/keep.js";
import { appointmentsDaily, revenueDaily } from "../../src/reports/daily.js";
import { kpi } from "../../src/reports/kpi.js";
import { addDays } from "../../src/reports/period.js";
import { Random } from "../../src/simulator/random.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { toMicros } from "../oracle/index.js";
import { expectedKpi } from "../oracle/reports.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { withGaps, withRarities } from "../support/rarities.js";
import { turbulence } from "../support/turbulence.js";
import { makeOrganization, readFacts, readRows, takeIn } from "../support/worlds.js";

const DAY = 86_400_000;
const timeZones = ["America/Los_Angeles", "Europe/London", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"];

const database = await openTestDatabase();
const { pool } = database;
beforeEach(() => emptyDatabase(database));

const seeds = Array.from({ length: casesHere(30) }, (_, index) => 9_000 + index);

/** Days of the period that reports would read as kept. */
async function unmarkedDays(organizationId: string): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::integer as days from kept_days k where k.organization_id = $1 and part = 0 and not exists (
       select from day_marks m where m.organization_id = $1 and m.day = k.day)`,
    [organizationId],
  );
  return rows[0].days;
}

/** What changes beside the events: time zones, the main currency, and a location that nobody knew. */
async function changeHouse(random: Random, organizationId: string): Promise<void> {
  const change = random.weighted({ nothing: 6, location: 1, organization: 1, currency: 1 });
  const zone = random.pick(timeZones);
  if (change === "location")
    await pool.query(
      `update locations set time_zone = $2 where organization_id = $1 and square_location_id = (
         select min(square_location_id) from locations where organization_id = $1)`,
      [organizationId, zone],
    );
  if (change === "organization")
    await pool.query("update organizations set time_zone = $2 where id = $1", [organizationId, zone]);
  if (change === "currency")
    await pool.query("update organizations set currency = $2 where id = $1", [
      organizationId,
      random.pick(["USD", "EUR", "CAD"]),
    ]);
}

async function compareReports(random: Random, organizationId: string, now: Date, told: string) {
  const facts = await readFacts(database, organizationId);
  const today = now.toISOString().slice(0, 10);
  const from = addDays(today, -random.int(3, 70));
  const to = addDays(from, random.int(0, 80));
  const places = facts.locations.map((location) => location.square_location_id);
  const locationId = random.chance(0.4) && places.length > 0 ? random.pick(places) : null;
  const scope = { organizationId, from, to, locationId };
  const here = `${told}, ${from} to ${to} at ${locationId}, now ${now.toISOString()}`;
  const numbers = plain(await kpi(pool, scope, facts.organization.currency, now));
  expect(numbers, here).toEqual(expectedKpi(facts, scope, toMicros(now)));
  for (const [view, read] of [
    ["analytics_appointments_by_location_daily", appointmentsDaily],
    ["analytics_revenue_by_location_daily", revenueDaily],
  ] as const) {
    const rows = await readRows(database, organizationId, view);
    const expected = rows.filter(
      ({ date, location_id }) =>
        String(date) >= from && String(date) <= to && (locationId === null || location_id === locationId),
    );
    const days = (await read(pool, scope, now)).map(({ unassigned_revenue_cents: _, ...day }) => day);
    expect(sorted(days), `${here}, ${view}`).toEqual(sorted(expected));
  }
}

it.each(seeds)(
  "kept days and facts together are the facts, whatever happens after the keeping (seed %i)",
  async (seed) => {
    const random = new Random(`kept days ${seed}`);
    const start = new Date(Date.UTC(2024, random.int(0, 23), random.int(1, 28)));
    const end = new Date(start.getTime() + random.int(30, 110) * DAY);
    const merchantId = `M-KEPT-${seed}`;
    const organizationId = await makeOrganization(database, merchantId, { timeZone: random.pick(timeZones) });
    const salon = simulateSalon({
      ...turbulence,
      seed,
      start,
      end,
      merchantId,
      customers: random.int(2, 8),
      locations: random.int(1, 3),
      arrivalsUntil: new Date(start.getTime() + 30 * DAY),
    });
    // Some events arrive in time. The others arrive late, long after their days were kept.
    const [early, late]: unknown[][] = [[], []];
    for (const { event } of salon.events())
      (random.chance(0.85) ? early : late)?.push(withGaps(withRarities(event)));
    const rest = random.shuffle(late ?? []);
    await takeIn(database, early ?? [], end, 1_000);

    let now = end;
    let read = 0;
    const keep = async (until: number, anew = false) => {
      const keeping = { pool, clock: () => now, signal: new AbortController().signal, onKept: () => {} };
      await keepDays(keeping, organizationId, { anew, until });
    };
    for (let round = 0; rest.length > 0; round += 1) {
      const told = `seed ${seed}, round ${round}`;
      await keep(random.chance(0.8) ? Number.POSITIVE_INFINITY : 0, random.chance(0.1));
      await compareReports(random, organizationId, now, `${told}, kept`);
      for (const event of rest.splice(0, random.pick([1, 1, 2, 10, 60])))
        await takeIn(database, [event], now, 1);
      read += await unmarkedDays(organizationId);
      await compareReports(random, organizationId, now, `${told}, late events`);
      await changeHouse(random, organizationId);
      await compareReports(random, organizationId, now, `${told}, another house`);
      now = new Date(now.getTime() + random.int(0, 4 * DAY));
      if (round === 12) rest.splice(20);
    }
    expect(read, "days that were read as they were kept").toBeGreaterThan(0);
  },
);

/** As JSON shows it: money as numbers. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_name, each) => (typeof each === "bigint" ? Number(each) : each)));
}

/** In an order of their own, whatever the order of rows and of the names in them. */
function sorted(rows: readonly object[]): object[] {
  const key = (row: object) => JSON.stringify(Object.entries(row).sort());
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
