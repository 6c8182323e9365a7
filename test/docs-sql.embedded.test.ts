/** The SQL of the documents is run as printed, against a salon that has every fault which the documents are about. */
import { readFileSync } from "node:fs";
import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../src/database/database.js";
import { savePosition } from "../src/database/positions.js";
import { NOW, openInbox } from "./support/app.js";
import { addDashboardSalon } from "./support/dashboard-salon.js";
import { openTestDatabase } from "./support/database.js";
import { bookingEvent, paymentEvent, received } from "./support/events.js";
import { damage, sweepAt } from "./support/sweeping.js";

const pages = ["docs/troubleshooting.md", "docs/operations.md"];

interface Block {
  readonly page: string;
  readonly heading: string;
  readonly sql: string;
}

const blocks: readonly Block[] = pages.flatMap((page) =>
  readFileSync(page, "utf8")
    .split(/^## /m)
    .flatMap((section) =>
      Array.from(section.matchAll(/```sql\n(.*?)```/gs), ([, sql = ""]) => ({
        page,
        heading: section.split("\n", 1)[0] ?? "",
        sql,
      })),
    ),
);

/** The names that the page sets with psql's \set. */
const documented = Array.from(
  readFileSync("docs/troubleshooting.md", "utf8").matchAll(/^\\set (\w+) /gm),
).map(([, name = ""]) => name);

const database = await openTestDatabase();
let variables: Readonly<Record<string, string>>;

beforeAll(async () => {
  variables = await addFaultySalon(database);
}, 240_000);

test("the pages set every variable that their SQL uses, and no other", () => {
  const used = blocks.flatMap(({ sql }) => Array.from(sql.matchAll(/:'(\w+)'/g), ([, name = ""]) => name));
  expect(blocks.length).toBeGreaterThan(25);
  expect([...new Set(used)].sort()).toEqual([...documented].sort());
  expect(Object.keys(variables).sort()).toEqual([...documented].sort());
});

test.each(blocks)("$page, $heading: the SQL runs as printed and finds the fault", async ({ sql }) => {
  const { rows } = await database.pool.query(sql.replaceAll(/:'(\w+)'/g, (_, name: string) => literal(name)));
  expect(rows.length, sql).toBeGreaterThan(0);
});

/** The variable as psql writes it for `:'name'`. */
function literal(name: string): string {
  return pg.escapeLiteral(variables[name] ?? "");
}

/**
 * A year of a salon with a merge, a dead and a deferred event, an event of an unknown merchant, a drifted row that a
 * sweep found, errors of a sweep, and rows that came due. Beside it stands a seller who has revoked the permission.
 */
async function addFaultySalon(database: Database): Promise<Record<string, string>> {
  const { pool } = database;
  const organizationId = await addDashboardSalon(database);
  const inbox = openInbox(database);
  const faulty = [
    bookingEvent({ start_at: "never" }),
    paymentEvent({ id: "walk-in", status: "APPROVED", customer_id: undefined }),
    paymentEvent({ id: "unknown" }, { merchant_id: "MLUNKNOWN" }),
  ];
  await Promise.all(faulty.map((event) => inbox.receive(received(event))));
  await inbox.close();
  // An attempt that failed two hours ago and is tried again in an hour. The sweep reports that it waits.
  await pool.query(
    `update webhook_events set status = 'deferred', attempts = 3, processed_at = null, last_error = 'Error',
       received_at = $1::timestamptz - interval '2 hours', next_attempt_at = $1::timestamptz + interval '1 hour'
     where event_id = (select max(event_id) from webhook_events where status = 'processed')`,
    [NOW],
  );
  await savePosition(pool, organizationId, "pull/payments/L1", { watermark: NOW.toISOString() }, NOW);
  const { rows } = await pool.query<{ id: string }>(
    "select to_customer_id as id from customer_aliases where organization_id = $1 limit 1",
    [organizationId],
  );
  const customerId = rows[0]?.id ?? "";
  await pool.query(
    `update customer_analytics set ${damage("total_bookings")} where square_customer_id = $1`,
    [customerId],
  );
  const report = await sweepAt(database, NOW, "full");
  expect(report.drift).toEqual([{ column: "total_bookings", rows: 1 }]);
  const gone = { squareMerchantId: "MLGONE", name: "Gone", timeZone: "UTC", status: "revoked" };
  await database.prisma.organization.create({ data: { ...gone, tokenExpiresAt: NOW } });
  return {
    organization_id: organizationId,
    customer_id: customerId,
    from_day: "2026-05-01",
    to_day: "2026-05-31",
  };
}
