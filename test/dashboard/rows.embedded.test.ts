/** The rows behind a number: each list downloads what it shows, and no row is an id alone. */
import { readFileSync } from "node:fs";
import type { Locator, Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { axeFindings } from "../support/browser.js";
import { readCsv } from "../support/csv.js";
import { openDashboard } from "../support/dashboard-server.js";

const { database, salon, of, visit } = await openDashboard();

const panelOf = (page: Page) => page.getByRole("dialog", { name: "Where this number comes from" });
const listsOf = (page: Page) => panelOf(page).locator(".explain-content > section");

async function downloaded(page: Page, link: Locator) {
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  return readCsv(readFileSync(await download.path(), "utf8").slice(1));
}

/** The texts of a table's rows. */
const textsOf = (table: Locator) =>
  table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.textContent ?? ""));

test("the days behind a number are downloaded as they are shown, and none is without it", async () => {
  const days = "from=2026-03-04&to=2026-06-01";
  for (const [explain, column] of [
    ["no_show_appointments", "no_show_appointments"],
    ["unique_customers", "unique_customers"],
    ["refunded_cents", "refunded_cents"],
    ["avg_ticket_cents", "payment_count"],
  ] as const) {
    const page = await visit(`/?${days}&explain=kpi/${explain}`);
    const csv = page.getByRole("link", { name: "Days as CSV" });
    const table = listsOf(page).filter({ has: csv }).locator("table");
    const lines = await downloaded(page, csv);
    const shown = await textsOf(table);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => Number(line[column]) > 0)).toBe(true);
    const begins = lines.map(({ date, location_name: place }) => {
      const day = new Date(String(date)).toLocaleDateString("en-US", {
        timeZone: "UTC",
        month: "short",
        day: "numeric",
      });
      return `${day}${place}`;
    });
    expect(shown.map((text, at) => text.startsWith(begins[at] ?? "?"))).toEqual(shown.map(() => true));
    expect(shown).toHaveLength(lines.length);
    await page.context().close();
  }
});

test("every list of a panel has its download", async () => {
  const { customers } = await of("customers?sort=total_visits&order=desc&limit=1");
  const [{ square_customer_id: customer }] = customers;
  const [{ team_member_id: member }] = (await of("team?from=2026-03-04&to=2026-06-01")).team;
  for (const explain of [
    "kpi/accepted_appointments",
    "kpi/rebooked_visits",
    "kpi/net_cents",
    "upcoming",
    "segment/LOST",
    "movement/ACTIVE/AT_RISK",
    "retention/month/customers/2026-03",
    `team/visits/${member}`,
    `customer/${customer}/total_visits`,
  ]) {
    const page = await visit(`/?from=2026-03-04&to=2026-06-01&explain=${encodeURIComponent(explain)}`);
    const panel = panelOf(page);
    await panel.locator("table").first().waitFor();
    await expect.poll(() => panel.locator("[aria-busy]").count()).toBe(0);
    const lists = listsOf(page).filter({ has: page.locator("table") });
    expect(await lists.getByRole("link", { name: /as CSV$/ }).count(), explain).toBe(await lists.count());
    await page.context().close();
  }
});

test("the rows of a customer's number are downloaded, all of them", async () => {
  const { customers } = await of("customers?sort=total_visits&order=desc&limit=1");
  const [{ square_customer_id: customer }] = customers;
  const { rows } = await of(`customers/${customer}/explain/total_bookings`);
  const page = await visit(`/customers/${customer}?explain=customer/${customer}/total_bookings`);
  const lines = await downloaded(page, panelOf(page).getByRole("link", { name: "Rows as CSV" }));
  expect(lines.map(({ id }) => id)).toEqual(rows.map(({ id }: { id: string }) => id));
  await page.goto(`/customers/${customer}?explain=customer/${customer}/is_overdue`);
  await panelOf(page).getByText("Computed from").waitFor();
  expect(await panelOf(page).getByRole("link", { name: "Rows as CSV" }).count()).toBe(0);
});

test("a customer, a team member and a location without a name are said to have none, beside the id", async () => {
  const { customers } = await of("customers?sort=last_visit_at&order=desc&limit=1");
  const [{ square_customer_id: customer, preferred_technician_id: member, preferred_location_id: location }] =
    customers;
  const backup = await database.pool.query(
    `select (select to_jsonb(a) from customer_analytics a where square_customer_id = $1) as customer,
       (select to_jsonb(t) from team_members t where square_team_member_id = $2) as member,
       (select name from locations where square_location_id = $3) as location`,
    [customer, member, location],
  );
  onTestFinished(async () => {
    const { customer: c, member: t, location: name } = backup.rows[0];
    await database.pool.query(
      "update customer_analytics set given_name = $2, family_name = $3 where square_customer_id = $1",
      [customer, c.given_name, c.family_name],
    );
    await database.pool.query(
      "update team_members set given_name = $2, family_name = $3 where square_team_member_id = $1",
      [member, t.given_name, t.family_name],
    );
    await database.pool.query("update locations set name = $2 where square_location_id = $1", [
      location,
      name,
    ]);
  });
  await database.pool.query(
    "update customer_analytics set given_name = null, family_name = null, company_name = null where square_customer_id = $1",
    [customer],
  );
  await database.pool.query(
    "update team_members set given_name = null, family_name = null where square_team_member_id = $1",
    [member],
  );
  await database.pool.query("update locations set name = square_location_id where square_location_id = $1", [
    location,
  ]);
  const unnamed = (id: string) => new RegExp(`Name not known ${id}`);
  const page = await visit(`/customers/${customer}`);
  await page.getByRole("heading", { level: 1, name: unnamed(customer) }).waitFor();
  expect(await page.title()).toBe(`Name not known (${customer}) · Regulars`);
  await page
    .getByRole("button", { name: unnamed(member) })
    .first()
    .waitFor();
  await page.getByText(`at Name not known (${location})`).first().waitFor();
  expect(await axeFindings(page)).toEqual([]);
  await page.goto(`/customers?q=${customer}&columns=preferred_technician_id,last_location_id`);
  const row = page.getByRole("row", { name: unnamed(customer) });
  await row.getByText(unnamed(member)).waitFor();
  await row.getByText(unnamed(location)).waitFor();
  expect(await axeFindings(page)).toEqual([]);
  await page.goto("/team?period=90&by=technician");
  await page
    .getByRole("row", { name: unnamed(member) })
    .first()
    .waitFor();
  // In both tables.
  await expect.poll(() => page.getByRole("row", { name: unnamed(member) }).count()).toBe(2);
  await page.goto(`/?from=2026-03-04&to=2026-06-01&explain=kpi/unique_customers&organization=${salon()}`);
  await panelOf(page)
    .getByRole("row", { name: unnamed(customer) })
    .waitFor();
  await panelOf(page)
    .getByRole("row", { name: unnamed(location) })
    .first()
    .waitFor();
  // A month is no id.
  await page.goto("/team");
  await page.getByRole("row", { name: /^Mar 2026 / }).waitFor();
});
