import type { Database } from "../../../src/database/database.js";
import {
  expectedAnalytics,
  explainTableDifferences,
  factsFromEvents,
  type WebhookEvent,
} from "../../oracle/index.js";
import { comparableTables } from "../../support/square.js";
import { tablesOf } from "../../support/tables.js";
import { readFacts, readRows } from "../../support/worlds.js";
import type { Stage } from "./stage.js";
import type { Story } from "./story.js";
import type { StoryWorld } from "./world.js";

interface Ended {
  readonly stage: Stage;
  readonly story: Story;
  readonly world: StoryWorld;
}

interface Side {
  readonly organizationId: string;
}

/** Columns that say when or how often something was written. */
const WRITE_TIMES: Readonly<Record<string, readonly string[]>> = {
  customer_analytics: ["created_at", "updated_at", "computed_at"],
  pending_fetches: ["requested_at"],
};

/**
 * The differences between the two organizations, and between the rows and the oracle's calculation from all events.
 */
export async function differencesOf(
  { stage, story, world }: Ended,
  ordered: Side,
  mixed: Side,
  others: readonly string[],
): Promise<{ differences: readonly string[]; rows: number }> {
  const expected = await tablesToCompare(stage.database, story, ordered.organizationId);
  const actual = await tablesToCompare(stage.database, story, mixed.organizationId);
  const rows = [...Object.values(expected)].reduce((sum, table) => sum + table.length, 0);
  const analytics = await againstOracle(stage, world, ordered.organizationId);
  return {
    differences: [...others, ...compareTables(expected, actual), ...analytics],
    rows: rows + (expected.customer_analytics?.length ?? 0),
  };
}

type Row = Readonly<Record<string, unknown>>;
type Tables = Readonly<Record<string, readonly Row[]>>;

/** Without pulls, all tables are compared. With pulls, only what does not depend on how the data arrived. */
async function tablesToCompare(database: Database, story: Story, organizationId: string): Promise<Tables> {
  if (story.square !== "nothing") return comparableTables(database, organizationId);
  const tables = await tablesOf(database, organizationId);
  return Object.fromEntries(
    Object.entries(tables).map(([name, rows]) => [name, rows.map((row) => without(row, WRITE_TIMES[name]))]),
  );
}

function without(row: Row, left: readonly string[] = []) {
  return Object.fromEntries(Object.entries(row).filter(([column]) => !left.includes(column)));
}

function compareTables(expected: Tables, actual: Tables): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  return names.flatMap((name) => {
    const keyed = (tables: Tables) => new Map((tables[name] ?? []).map((row) => [keyOf(name, row), row]));
    const [wanted, found] = [keyed(expected), keyed(actual)];
    return [...new Set([...wanted.keys(), ...found.keys()])].flatMap((key) =>
      compareRows(`${name} ${key}`, wanted.get(key), found.get(key)),
    );
  });
}

/** Primary keys without the organization. Rows of other tables are compared by all their columns. */
const keys: Readonly<Record<string, readonly string[]>> = {
  organizations: [],
  bookings: ["booking_id"],
  booking_segments: ["booking_id", "segment_index"],
  payments: ["payment_id"],
  refunds: ["refund_id"],
  customers: ["square_customer_id"],
  customer_aliases: ["from_customer_id"],
  customer_analytics: ["square_customer_id"],
  team_members: ["square_team_member_id"],
  locations: ["square_location_id"],
  service_variations: ["square_variation_id"],
};

function keyOf(table: string, row: Row): string {
  return keys[table]?.map((column) => String(row[column])).join(" ") ?? JSON.stringify(row);
}

function compareRows(name: string, wanted: Row | undefined, found: Row | undefined): string[] {
  if (!wanted || !found) return [`${name}: ${wanted ? "only in order" : "only mixed"}`];
  return Object.keys({ ...wanted, ...found }).flatMap((column) => {
    const [there, here] = [JSON.stringify(wanted[column]), JSON.stringify(found[column])];
    return there === here ? [] : `${name}: ${column} in order ${there}, mixed ${here}`;
  });
}

async function againstOracle({ database, clock }: Stage, world: StoryWorld, organizationId: string) {
  const { organization, locations, referral_profiles } = await readFacts(database, organizationId);
  const events = world.messages.flatMap(({ news }) => ("event" in news ? [news.event as WebhookEvent] : []));
  const facts = { ...factsFromEvents(events, organization, locations), referral_profiles };
  const rows = await readRows(database, organizationId, "customer_analytics");
  const wrong = explainTableDifferences(expectedAnalytics(facts, clock()).values(), rows, [
    "square_customer_id",
  ]);
  return wrong.map((line) => `in order, against the oracle: ${line}`);
}
