import { beforeEach, describe, expect, it } from "vitest";
import {
  type BookingNumber,
  type BookingPage,
  type BookingPlace,
  bookingNumbers,
  countedBookings,
} from "../../src/reports/bookings.js";
import { appointmentsDaily, revenueDaily } from "../../src/reports/daily.js";
import { kpi } from "../../src/reports/kpi.js";
import { localDayOf } from "../../src/reports/local-day.js";
import {
  countedPayments,
  type PaymentPage,
  type PaymentPlace,
  paymentNumbers,
} from "../../src/reports/payments.js";
import { addDays } from "../../src/reports/period.js";
import { cohortKinds, retention } from "../../src/reports/retention.js";
import { segmentMovements, segmentsDaily } from "../../src/reports/segments.js";
import { team } from "../../src/reports/team.js";
import { Random } from "../../src/simulator/random.js";
import { toMicros } from "../oracle/index.js";
import {
  expectedKpi,
  expectedMovements,
  expectedRetention,
  expectedSegmentsDaily,
  expectedTeam,
} from "../oracle/reports.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import { customerIdsOf, readFacts, readRows, recomputeAt } from "../support/worlds.js";

const SALONS = casesHere(30);
const AT_ONCE = 6;

const database = await openTestDatabase();
beforeEach(() => emptyDatabase(database));

const firstSeeds = Array.from({ length: Math.ceil(SALONS / AT_ONCE) }, (_, index) => 5_000 + index * AT_ONCE);

describe.each(firstSeeds)("random salons from seed %i", (firstSeed) => {
  const seeds = Array.from({ length: AT_ONCE }, (_, index) => firstSeed + index);

  it("KPI, segments, movements, retention and team are what plain TypeScript makes of the facts", async () => {
    for (const seed of seeds) {
      const { pool } = database;
      const random = new Random(`reports ${seed}`);
      const { organizationId, start, end } = await makeRandomWorld(database, seed);
      const facts = await readFacts(database, organizationId);
      const now = new Date(random.between(start.getTime(), end.getTime() + 40 * 86_400_000));
      const { currency, time_zone } = facts.organization;
      const today = await localDayOf(pool, now, time_zone);
      await recomputeAt(database, organizationId, customerIdsOf(facts), now.toISOString());
      const from = addDays(today, -random.int(0, 80));
      const to = addDays(from, random.int(0, 100));
      const places = facts.locations.map((location) => location.square_location_id);
      const locationId = random.chance(0.3) && places.length > 0 ? random.pick(places) : null;
      const scope = { organizationId, from, to, locationId };
      const micros = toMicros(now);
      const told = `seed ${seed}, ${from} to ${to} at ${now.toISOString()}`;

      const numbers = plain(await kpi(pool, scope, currency, now));
      expect(numbers, told).toEqual(expectedKpi(facts, scope, micros));
      const segments = await segmentsDaily(pool, scope, today, now);
      expect(segments, told).toEqual(expectedSegmentsDaily(facts, scope, micros));
      const movements = await segmentMovements(pool, scope, today, now);
      expect(sorted(movements), told).toEqual(sorted(expectedMovements(facts, scope, micros)));
      for (const kind of cohortKinds) {
        const cohorts = (await retention(pool, kind, scope, now)).map(({ name: _, ...cohort }) => cohort);
        expect(sorted(cohorts), `${told}, by ${kind}`).toEqual(
          sorted(expectedRetention(facts, kind, scope, micros)),
        );
      }
      const members = plain(await team(pool, scope, now)) as Record<string, unknown>[];
      const counted = members.map(({ name: _, list_price_cents: __, ...member }) => member);
      expect(sorted(counted), told).toEqual(sorted(expectedTeam(facts, scope, micros)));
    }
  });

  it("the payments and refunds behind an amount add up to it, page by page, for the salon and each location", async () => {
    for (const seed of seeds.slice(0, 3)) {
      const { organizationId, end: now } = await makeRandomWorld(database, seed);
      const facts = await readFacts(database, organizationId);
      const to = addDays(now.toISOString().slice(0, 10), 1);
      const places = [
        null,
        ...new Set(facts.payments.map(({ location_id }) => location_id as string | null)),
      ];
      for (const locationId of places) {
        const scope = { organizationId, from: addDays(to, -70), to, locationId };
        const { current } = await kpi(database.pool, scope, facts.organization.currency, now);
        for (const counted of paymentNumbers) {
          const lines: Record<string, unknown>[] = [];
          let after: PaymentPlace | null = null;
          do {
            const page: PaymentPage = await countedPayments(database.pool, scope, counted, after, 7);
            lines.push(...page.payments);
            after = page.next;
          } while (after);
          const told = `seed ${seed}, ${counted} at ${locationId}`;
          expect(new Set(lines.map(({ kind, id }) => `${kind} ${id}`)).size, told).toBe(lines.length);
          if (counted === "payment_count") expect(lines.length, told).toBe(current.payment_count);
          if (counted === "payment_count") continue;
          const column = counted === "unassigned_revenue_cents" ? "revenue_cents" : counted;
          const sum = lines.reduce((total, line) => total + BigInt(line[column] as number), 0n);
          expect(sum, told).toBe(current[counted]);
        }
      }
    }
  });

  it("the bookings behind a number are as many as the number says, page by page, for the salon and each team member", async () => {
    for (const seed of seeds.slice(0, 3)) {
      const { pool } = database;
      const { organizationId, end: now } = await makeRandomWorld(database, seed);
      const facts = await readFacts(database, organizationId);
      await recomputeAt(database, organizationId, customerIdsOf(facts), now.toISOString());
      const to = addDays(now.toISOString().slice(0, 10), 5);
      const scope = { organizationId, from: addDays(to, -70), to, locationId: null };
      const behind = async (counted: BookingNumber, teamMemberId: string | null) => {
        const bookings: Record<string, unknown>[] = [];
        let after: BookingPlace | null = null;
        do {
          const page: BookingPage = await countedBookings(
            pool,
            scope,
            { counted, teamMemberId },
            now,
            after,
            7,
          );
          bookings.push(...page.bookings);
          after = page.next;
        } while (after);
        expect(new Set(bookings.map(({ booking_id }) => booking_id)).size).toBe(bookings.length);
        return bookings;
      };
      const { current } = await kpi(pool, scope, facts.organization.currency, now);
      for (const counted of bookingNumbers) {
        if (!(counted in current)) continue;
        const bookings = await behind(counted, null);
        const told = `seed ${seed}, ${counted}`;
        expect(bookings.length, told).toBe(current[counted as keyof typeof current]);
        if (!counted.endsWith("_customers")) continue;
        expect(new Set(bookings.map(({ customer_id }) => customer_id)).size, told).toBe(bookings.length);
      }
      for (const member of (await team(pool, scope, now)).slice(0, 3)) {
        const told = `seed ${seed}, ${member.team_member_id}`;
        const visits = await behind("visits", member.team_member_id);
        const counts = {
          visits: visits.length,
          customers: (await behind("unique_customers", member.team_member_id)).length,
          new_customers: (await behind("new_customers", member.team_member_id)).length,
          rebooked_visits: (await behind("rebooked_visits", member.team_member_id)).length,
          no_shows: (await behind("no_show_appointments", member.team_member_id)).length,
          late_cancellations: (await behind("late_cancellations", member.team_member_id)).length,
          booked_minutes: visits.reduce((sum, row) => sum + BigInt(row.booked_minutes as number), 0n),
          list_price_cents: visits.reduce((sum, row) => sum + BigInt(row.list_price_cents as number), 0n),
        };
        expect(member, told).toMatchObject(counts);
      }
    }
  });

  it("the sums of the daily views over a period are the KPI's, except people", async () => {
    for (const seed of seeds.slice(0, 3)) {
      const { pool } = database;
      const { organizationId, end } = await makeRandomWorld(database, seed);
      const facts = await readFacts(database, organizationId);
      await recomputeAt(database, organizationId, customerIdsOf(facts), end.toISOString());
      const to = end.toISOString().slice(0, 10);
      const scope = { organizationId, from: addDays(to, -60), to, locationId: null };
      const { current } = await kpi(pool, scope, facts.organization.currency, end);
      const days = await appointmentsDaily(pool, scope, end);
      const sum = (rows: readonly Record<string, unknown>[], name: string) =>
        rows.reduce((total, row) => total + Number(row[name]), 0);
      for (const name of ["accepted_appointments", "no_show_appointments", "new_customers"] as const) {
        expect(sum(days, name), `${name}, seed ${seed}`).toBe(current[name]);
      }
      const money = (await revenueDaily(pool, scope, end)).filter((row) => row.currency === current.currency);
      for (const name of [
        "revenue_cents",
        "net_cents",
        "payment_count",
        "unassigned_revenue_cents",
      ] as const) {
        expect(sum(money, name), `${name}, seed ${seed}`).toBe(Number(current[name]));
      }
      const view = await readRows(database, organizationId, "analytics_appointments_by_location_daily");
      expect(sorted(days)).toEqual(
        sorted(view.filter(({ date }) => String(date) >= scope.from && String(date) <= to)),
      );
    }
  });
});

/** As JSON shows it: money as numbers. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_name, each) => (typeof each === "bigint" ? Number(each) : each)));
}

/** In an order of their own, whatever the order of rows and of the names in them. */
function sorted(rows: readonly object[]): object[] {
  const key = (row: object) => JSON.stringify(Object.entries(row).sort());
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
