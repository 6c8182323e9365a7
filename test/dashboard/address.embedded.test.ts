/** What lies in the address of a page: a link shows what its sender saw, and back and forward work. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { adminHeaders, NOW } from "../support/app.js";
import { axeFindings } from "../support/browser.js";
import { openDashboard, tile } from "../support/dashboard-server.js";

const TOMORROW = new Date(NOW.getTime() + 86_400_000);
const { database, salon, app, base, of, visit } = await openDashboard();

async function aRegular(): Promise<string> {
  const { customers } = await of("customers?sort=total_visits&order=desc&limit=1");
  return customers[0].square_customer_id;
}

const accepted = (page: Page) => tile(page, "Accepted");
const pressed = (page: Page) => page.getByRole("group", { name: "Period" }).locator('[aria-pressed="true"]');
const address = (page: Page) => page.url().slice(base().length);

test("a chosen period is written as its days: back and forward work, and the link shows the same days tomorrow", async () => {
  const page = await visit("/");
  await page.getByText(/^May 3 to Jun 1, 2026, /).waitFor();
  expect(address(page)).toBe("/");
  await page.getByRole("button", { name: "7 days" }).click();
  await page.getByText(/^May 26 to Jun 1, 2026, /).waitFor();
  const week = "/?from=2026-05-26&to=2026-06-01";
  expect(address(page)).toBe(week);
  expect(await pressed(page).textContent()).toBe("7 days");
  const { current } = await of("kpi?from=2026-05-26&to=2026-06-01");
  await expect.poll(() => accepted(page).textContent()).toBe(String(current.accepted_appointments));
  await page.getByRole("button", { name: "Today", exact: true }).click();
  await page.getByText(/^Jun 1, 2026, /).waitFor();
  await page.goBack();
  await page.getByText(/^May 26 to Jun 1, 2026, /).waitFor();
  await page.goBack();
  await page.getByText(/^May 3 to Jun 1, 2026, /).waitFor();
  expect(await pressed(page).textContent()).toBe("30 days");
  await page.goForward();
  await page.getByText(/^May 26 to Jun 1, 2026, /).waitFor();
  // "Custom" keeps the days, and says that they were entered by hand.
  await page.getByRole("button", { name: "Custom" }).click();
  await page.getByLabel("From").waitFor();
  expect(await pressed(page).textContent()).toBe("Custom");

  await page.clock.setFixedTime(TOMORROW);
  await page.goto(week);
  await page.getByText(/^May 26 to Jun 1, 2026, /).waitFor();
  await expect.poll(() => accepted(page).textContent()).toBe(String(current.accepted_appointments));
  expect(await pressed(page).textContent()).toBe("Custom");
});

test("an old address with a number of days becomes those days, without a step to go back", async () => {
  const page = await visit("/columns");
  await page.getByRole("heading", { level: 1, name: "Dictionary" }).waitFor();
  await page.goto("/team?period=90&by=technician");
  await expect.poll(() => address(page)).toBe("/team?by=technician&from=2026-03-04&to=2026-06-01");
  expect(await pressed(page).textContent()).toBe("90 days");
  // As before, such a period does not shorten the cohorts.
  await page.getByText(/by their first visit within the last 365 days/).waitFor();
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Dictionary" }).waitFor();
});

test("a page that is open past midnight moves to the new day as a whole, and says which days it shows", async () => {
  const page = await visit("/");
  await page.getByText(/^May 3 to Jun 1, 2026, /).waitFor();
  await page.clock.setFixedTime(TOMORROW);
  const asked = ["kpi", "appointments/daily", "revenue/daily", "segments/movements"].map((part) =>
    page.waitForRequest((request) => request.url().includes(`/${part}?from=2026-05-04&to=2026-06-02`)),
  );
  await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
  await page.getByText(/^May 4 to Jun 2, 2026, /).waitFor();
  await Promise.all(asked);
});

test("a chart as a table and an open fold lie in the address: a link shows them, and going back skips them", async () => {
  const page = await visit("/columns");
  await page.getByRole("link", { name: "Today" }).click();
  await page.getByRole("heading", { name: "Revenue by day" }).waitFor();
  const chart = page.locator("figure", { has: page.getByRole("heading", { name: "Revenue by day" }) });
  await chart.getByRole("button", { name: "As a table" }).click();
  await page.getByText("Change the days of the segments").click();
  await expect
    .poll(() => address(page))
    .toBe("/?open=revenue-table%2Csegment-days&from=2026-05-03&to=2026-06-01");
  for (const again of [() => Promise.resolve(), () => page.reload()]) {
    await again();
    await chart.locator("tbody tr").first().waitFor();
    expect(await chart.locator("tbody tr").count()).toBe(30);
    await page.getByLabel("Active: days after the last visit").waitFor();
  }
  expect(await axeFindings(page)).toEqual([]);
  await chart.getByRole("button", { name: "As a chart" }).click();
  await page.getByText("Change the days of the segments").click();
  await expect.poll(() => address(page)).toBe("/?from=2026-05-03&to=2026-06-01");
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Dictionary" }).waitFor();
  await page.goto("/columns?q=total_visits&open=total_visits");
  await page.locator("#total_visits pre").waitFor();
  expect(await page.locator("#total_visits pre").isVisible()).toBe(true);
  await page.goto(`/customers/${await aRegular()}?open=others`);
  await page.locator("dt", { hasText: /^Visit frequency$/ }).waitFor();
});

test("how far back a timeline is shown lies in the address, also past the first page of the history", async () => {
  const customer = await aRegular();
  const { rows } = await database.pool.query<{ payment_id: string }>(
    `insert into payments select copy.*
     from (select * from payments where customer_id = $1 and organization_id = $2 limit 1) p
     cross join generate_series(1, 430) n
     cross join lateral jsonb_populate_record(null::payments, to_jsonb(p) || jsonb_build_object(
       'payment_id', 'deep' || n, 'created_at', p.created_at - n * interval '1 hour')) as copy
     returning payment_id`,
    [customer, salon()],
  );
  expect(rows).toHaveLength(430);
  onTestFinished(async () => {
    await database.pool.query("delete from payments where payment_id like 'deep%'");
  });
  const page = await visit(`/customers/${customer}`);
  const moments = page.locator(".timeline > li");
  await expect.poll(() => moments.count()).toBe(25);
  await page.getByRole("button", { name: "Earlier" }).click();
  await expect.poll(() => moments.count()).toBe(50);
  expect(address(page)).toBe(`/customers/${customer}?timeline=50`);
  await page.reload();
  await expect.poll(() => moments.count()).toBe(50);
  await page.goto(`/customers/${customer}?timeline=425`);
  await expect.poll(() => moments.count()).toBe(425);
  await page.getByRole("button", { name: "Earlier" }).click();
  await expect.poll(() => moments.count()).toBe(450);
});

test("the CSV of customers has the columns that are shown, behind the id and the parts of the name", async () => {
  const page = await visit("/customers?overdue=true&columns=last_visit_at,no_such_column,birthday");
  await page.getByRole("columnheader", { name: "Birthday" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "CSV" }).click(),
  ]);
  const [header, ...lines] = readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\r\n");
  expect(header?.slice(1)).toBe(
    "square_customer_id,given_name,family_name,company_name,last_visit_at,birthday",
  );
  const { customers } = await of("customers?overdue=true&limit=200");
  expect(lines).toHaveLength(customers.length);
});

test("the movements between segments say that they are of all locations when the page shows one", async () => {
  const { locations } = (await app().http.inject({ url: "/api/organizations", headers: adminHeaders })).json()
    .organizations[0];
  const page = await visit("/");
  await page.getByText(/^In this period: /).waitFor();
  await page.goto(`/?location=${locations[0].location_id}`);
  await page.getByText(/^In this period, at all locations: /).waitFor();
});

test("an address that shows more than the plain page gets its days, and Back leads to the plain page", async () => {
  const page = await visit("/");
  await page.getByRole("heading", { level: 1, name: "Today" }).waitFor();
  expect(address(page)).toBe("/");
  await accepted(page).getByRole("button").click();
  await expect
    .poll(() => address(page))
    .toBe("/?explain=kpi%2Faccepted_appointments&from=2026-05-03&to=2026-06-01");
  await page.goBack();
  await expect.poll(() => address(page)).toBe("/");
});

test("the call list's CSV has what a call needs, for as many as the list has", async () => {
  const page = await visit("/");
  const card = page.locator(".card", { has: page.getByRole("heading", { name: "Slipping away" }) });
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    card.getByRole("link", { name: "CSV" }).click(),
  ]);
  const [header, ...lines] = readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\r\n");
  expect(header?.slice(1)).toBe(
    "square_customer_id,given_name,family_name,company_name,phone_number,email_address,preferred_technician_name," +
      "visit_days,avg_days_between_visits,last_visit_at,overdue_at",
  );
  const { customers } = await of("customers?overdue=true&limit=200");
  expect(lines).toHaveLength(customers.length);
});

test("a location that the seller does not have is said to be none, with a way back to all, and the address stays", async () => {
  const days = "from=2026-05-03&to=2026-06-01";
  for (const where of ["/", "/team"]) {
    const page = await visit(`${where}?${days}&location=LNOWHERE`);
    await page.getByText("There is no such location.").waitFor();
    await page.getByText(/, a location that is not known, /).waitFor();
    expect(address(page)).toBe(`${where}?${days}&location=LNOWHERE`);
    expect(await page.getByLabel("Location").inputValue()).toBe("LNOWHERE");
    // No number of another place stands on the page.
    expect(await page.locator(".tile, tbody tr").count()).toBe(0);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Show all locations" }).click();
    await page.getByText(/, all locations, /).waitFor();
    await expect.poll(() => address(page)).toBe(`${where}?${days}`);
    await page.locator(".tile, tbody tr").first().waitFor();
    await page.goBack();
    await page.getByText("There is no such location.").waitFor();
  }
});

test("a number of a location that the seller does not have has no rows of other locations", async () => {
  const panel = (page: Page) => page.getByRole("dialog", { name: "Where this number comes from" });
  for (const explain of [
    "kpi/accepted_appointments",
    "upcoming",
    "team/visits/T",
    "retention/month/customers/",
  ]) {
    const page = await visit(`/?location=LNOWHERE&explain=${explain}`);
    await panel(page).getByText("There is no such location.").waitFor();
    await page.context().close();
  }
});

test("a seller that is not there is said to be none, with a way back to the first", async () => {
  const page = await visit("/?organization=00000000-0000-4000-8000-000000000000&location=LNOWHERE");
  await page.getByText("There is no such seller.").waitFor();
  expect(await axeFindings(page)).toEqual([]);
  await page.getByRole("button", { name: "Show Harbor Salon" }).click();
  await page.getByText(/, all locations, /).waitFor();
});
