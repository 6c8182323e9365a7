/** Numbers of customers: each opens the customers that it counts, and the address holds what is open. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { axeFindings } from "../support/browser.js";
import { readCsv } from "../support/csv.js";
import { openDashboard } from "../support/dashboard-server.js";

const { database, salon, of, visit } = await openDashboard();

const idOf = (row: { square_customer_id?: string }) => row.square_customer_id;
const panelOf = (page: Page) => page.getByRole("dialog", { name: "Where this number comes from" });

/** The open panel has this many customers, all with a link, also as JSON and as CSV. */
async function expectCustomers(page: Page, customers: number, definition: string | RegExp) {
  const panel = panelOf(page);
  await expectRows(page, customers, definition);
  const list = await panel.getByRole("link", { name: "JSON" }).getAttribute("href");
  const answer = await of(`${list?.split(`${salon()}/`)[1]}&limit=200`);
  expect(answer.customers).toHaveLength(customers);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    panel.getByRole("link", { name: "CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^(segments-movements|retention)-customers\.csv$/);
  const lines = readCsv(readFileSync(await download.path(), "utf8").slice(1));
  expect(lines.map(idOf)).toEqual(answer.customers.map(idOf));
}

/** A link to the page with its open panel shows the same, and axe finds nothing. Closes the panel. */
async function expectLinked(page: Page, customers: number, definition: string | RegExp) {
  await page.reload();
  await expectRows(page, customers, definition);
  expect(await axeFindings(page)).toEqual([]);
  await close(page);
}

async function expectRows(page: Page, customers: number, definition: string | RegExp) {
  const panel = panelOf(page);
  await panel.getByText(definition).first().waitFor();
  await panel.getByText(/Computed from the stored bookings/).waitFor();
  await panel.getByRole("heading", { name: /customers? behind it$/ }).waitFor();
  for (let shown = 50; shown < customers; shown += 50) {
    await panel.getByRole("button", { name: "More customers" }).click();
    await expect.poll(() => panel.locator("tbody tr").count()).toBe(Math.min(shown + 50, customers));
  }
  expect(await panel.locator("tbody tr").count()).toBe(customers);
  expect(await panel.locator('tbody a[href^="/customers/"]').count()).toBe(customers);
  expect((await panel.locator(".explain-value").textContent())?.replaceAll(",", "")).toBe(String(customers));
}

async function close(page: Page) {
  await page.keyboard.press("Escape");
  await panelOf(page).waitFor({ state: "hidden" });
}

test("each movement between segments opens the customers who moved", async () => {
  const page = await visit("/?from=2026-03-04&to=2026-05-20");
  const { movements } = await of("segments/movements?from=2026-03-04&to=2026-05-20");
  const moved = movements.filter((each: Movement) => each.from_segment !== each.to_segment);
  expect(moved.length).toBeGreaterThan(2);
  const figures = page.locator("p", { hasText: /^In this period: / }).getByRole("button");
  await figures.first().waitFor();
  expect(await figures.count()).toBe(moved.length);
  for (const at of [0, moved.length - 1]) {
    const number = Number((await figures.nth(at).textContent())?.replace(/\D/g, ""));
    await figures.nth(at).click();
    expect(page.url()).toMatch(/explain=movement%2F[A-Z_]+%2F[A-Z_]+$/);
    const definition = /^End of May 20: Customers|^End of May 20: Of the others/;
    await expectCustomers(page, number, definition);
    await (at === 0 ? expectLinked(page, number, definition) : close(page));
  }
});

test("the segments of a past day open their customers of that day", async () => {
  const page = await visit("/?from=2026-03-01&to=2026-03-31");
  const { days } = await of("segments/daily?from=2026-03-31&to=2026-03-31");
  const figures = page.locator(".segment-list").getByRole("button");
  await figures.filter({ hasText: "Lost" }).click();
  await expectCustomers(page, days[0].LOST, "Customers who came once, but not within");
  await close(page);
  await figures.filter({ hasText: "Active" }).click();
  await expectCustomers(page, days[0].ACTIVE, "Of the others, those whose last visit");
  await expectLinked(page, days[0].ACTIVE, "Of the others, those whose last visit");
});

test("each number of a cohort opens its customers, also of a cohort without a name", async () => {
  await database.pool.query(
    `update booking_segments set team_member_id = 'anyTeamMember' where booking_id in (
       select booking_id from bookings b join customer_analytics a
         on a.square_customer_id = b.customer_id and a.first_booking_at = b.start_at
       where first_booking_at between '2026-02-01' and '2026-03-01')`,
  );
  const page = await visit("/team?by=technician");
  const { cohorts } = await of("retention?by=technician&from=2025-06-02&to=2026-06-01");
  const nobody = cohorts.find((each: { cohort: string | null }) => each.cohort === null);
  expect(nobody.eligible_30d).toBeGreaterThan(0);
  const named = cohorts.find((each: { returned_90d: number }) => each.returned_90d > 0);
  for (const cohort of [nobody, named]) {
    const row = page.getByRole("row", { name: new RegExp(`^${cohort.name ?? "not named"} `) }).last();
    const figures = row.getByRole("button");
    const opened = [
      [cohort.customers, "Customers whose first visit ever lies in the period"],
      [cohort.returned_30d, "customers with another visit day within 30 days"],
      [cohort.eligible_30d, "Customers whose first visit was at least 30 days ago."],
    ] as const;
    for (const [at, [customers, definition]] of opened.entries()) {
      await figures.nth(at).click();
      await expectCustomers(page, customers, definition);
      // All three have the same panel, so a link to one of a cohort says that a link holds the cohort.
      await (at === 1 ? expectLinked(page, customers, definition) : close(page));
    }
  }
});

interface Movement {
  readonly from_segment: string | null;
  readonly to_segment: string;
}
