/** The dashboard in a real browser, on a real server with a simulated salon. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { ADMIN_KEY, adminHeaders, NOW, signed } from "../support/app.js";
import { axeFindings } from "../support/browser.js";
import { readCsv } from "../support/csv.js";
import { openDashboard, tile } from "../support/dashboard-server.js";
import { bodyOf, paymentEvent } from "../support/events.js";
import { walkWithTab } from "../support/keyboard.js";

const { database, salon, app, base, start, ask, of, visit } = await openDashboard();

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();

/** A regular of the salon. */
async function aRegular(): Promise<string> {
  const { customers } = await of("customers?sort=total_visits&order=desc&limit=1");
  return customers[0].square_customer_id;
}

async function pages(): Promise<Record<string, string>> {
  return {
    Today: "/",
    Customers: "/customers?min_visits=10&more=1&sort=total_revenue_cents&order=desc",
    Customer: `/customers/${await aRegular()}`,
    Team: "/team?period=7",
    Trust: "/admin/jobs/status",
    Dictionary: "/columns?q=visit",
  };
}

test("a key in the address becomes a session and disappears; Today shows what the API answers", async () => {
  const page = await visit("/?period=90");
  await heading(page, "Today");
  await expect.poll(() => page.url()).toBe(`${base()}/?from=2026-03-04&to=2026-06-01`);
  const { current } = await of("kpi?from=2026-03-04&to=2026-06-01");
  expect(current.accepted_appointments).toBeGreaterThan(50);
  await expect.poll(() => tile(page, "Accepted").textContent()).toBe(String(current.accepted_appointments));
  await expect.poll(() => tile(page, "New customers").textContent()).toBe(String(current.new_customers));
  const { customers } = await of("customers?overdue=true&sort=overdue_at&order=desc&limit=1");
  await page
    .getByText(/late since .* = last visit \+ 1\.5 ×/)
    .first()
    .waitFor();
  await page
    .getByRole("link", { name: `${customers[0].given_name} ${customers[0].family_name}` })
    .first()
    .waitFor();
  // The session outlives the page, and ends when told.
  await page.reload();
  await heading(page, "Today");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Admin key").waitFor();
  await page.reload();
  await page.getByLabel("Admin key").waitFor();
});

test("a wrong key is told apart, and the page that was asked for opens with the right one, and after a session's end", async () => {
  const page = await visit("/team?period=90", { key: "wrong" });
  await page.getByText("This is not the key.").waitFor();
  await page.getByLabel("Admin key").fill("wrong again");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This is not the key.").waitFor();
  await page.getByLabel("Admin key").fill(ADMIN_KEY);
  await page.keyboard.press("Enter");
  await heading(page, "Team");
  // An answer still on its way would end the session before the click.
  await settled(page);
  app().clock.advance(13 * 3_600_000);
  await page.getByRole("link", { name: "Today" }).click();
  await page.getByLabel("Admin key").fill(ADMIN_KEY);
  await page.keyboard.press("Enter");
  await heading(page, "Today");
  await expect.poll(() => page.url()).toBe(`${base()}/?from=2026-03-04&to=2026-06-01`);
});

/** How much the page has moved by itself since it was opened, as the browser scores it. */
const layoutShift = (page: Page) =>
  page.evaluate<number>(`new Promise((resolve) => {
    let score = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) score += entry.value ?? 0;
    });
    // A paint ends with its own entry, so the list is complete once the observer has been told.
    observer.observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => setTimeout(() => resolve(score + observer.takeRecords().reduce((sum, entry) => sum + entry.value, 0))));
  })`);

/** Nothing is on its way any more. */
async function settled(page: Page) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await expect.poll(() => page.locator("[aria-busy]").count()).toBe(0);
}

test.each(["Today", "Customers", "Customer", "Team", "Trust", "Dictionary", "Sign-in"] as const)(
  "%s, wide and on a phone: nothing jumps, Tab reaches every control, its focus is seen, axe finds nothing, nothing scrolls sideways",
  async (name) => {
    const page = await visit((await pages())[name] ?? "/", name === "Sign-in" ? { key: null } : {});
    for (const width of [1280, 360]) {
      if (width === 360) {
        await page.setViewportSize({ width, height: 800 });
        await page.reload();
      }
      await settled(page);
      expect(await layoutShift(page)).toBeLessThan(0.05);
      const { reached, ...failures } = await walkWithTab(page);
      expect(reached).toBeGreaterThan(1);
      expect(failures).toEqual({ missed: [], unseen: [] });
      expect(await axeFindings(page)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    }
    await page.emulateMedia({ colorScheme: "dark" });
    // Of the other theme's rules, only those about colours can differ.
    expect(await axeFindings(page, ["color-contrast"])).toEqual([]);
  },
);

test("arrow keys walk through a chart's days, and the columns are chosen by keyboard", async () => {
  const page = await visit("/?period=7");
  await settled(page);
  const chart = page.getByRole("slider", { name: /^Accepted appointments by day/ });
  await chart.focus();
  const last = await chart.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowLeft");
  await expect.poll(() => chart.getAttribute("aria-valuenow")).toBe("5");
  expect(await chart.getAttribute("aria-valuetext")).not.toBe(last);
  await page.keyboard.press("End");
  await expect.poll(() => chart.getAttribute("aria-valuetext")).toBe(last);

  await page.goto("/customers?min_visits=10");
  await settled(page);
  await page.getByRole("button", { name: "Columns" }).focus();
  await page.keyboard.press("Enter");
  const box = page.getByRole("dialog", { name: "Columns" }).getByLabel("Visit days", { exact: true });
  await box.waitFor();
  const focused = box.and(page.locator(":focus"));
  for (let steps = 0; steps < 100 && (await focused.count()) === 0; steps += 1) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Space");
  await page.getByRole("columnheader", { name: "Visit days" }).waitFor();
  await page.keyboard.press("Escape");
  await box.waitFor({ state: "hidden" });
});

test("a page of another origin changes nothing with the session, and reads nothing", async () => {
  const page = await visit("/");
  await heading(page, "Today");
  const customer = await aRegular();
  const mark = "update customer_analytics set total_no_shows = 77 where square_customer_id = $1";
  await database.pool.query(mark, [customer]);
  const elsewhere = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html").end("<!doctype html><title>Elsewhere</title>");
  });
  await once(elsewhere.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void elsewhere.close());
  const { port } = elsewhere.address() as AddressInfo;
  const url = `${base()}/api/organizations/${salon()}/customers/${customer}`;
  // The browser does not show these answers to the page, so the server tells how it answered.
  const answered: number[] = [];
  app().http.server.on("request", (request, answer) => {
    if (request.url?.endsWith("/recompute")) answer.once("close", () => answered.push(answer.statusCode));
  });
  const read = `fetch("${url}", { credentials: "include" }).then((answer) => answer.text(), () => "refused")`;
  const post = `fetch("${url}/recompute", { method: "POST", mode: "no-cors", credentials: "include" }).catch(() => {})`;
  const form = `document.body.innerHTML = '<form method="post" action="${url}/recompute">'; document.forms[0].submit()`;
  // Another port is another origin of the same site, so the cookie goes along. To another site it does not.
  for (const host of ["127.0.0.1", "localhost"]) {
    const other = await page.context().newPage();
    await other.goto(`http://${host}:${port}/`);
    expect(await other.evaluate(read), host).toBe("refused");
    await other.evaluate(post);
    await other.evaluate(form);
    await expect.poll(() => answered.length).toBe(2);
    expect(answered.splice(0), host).toEqual(host === "localhost" ? [401, 401] : [403, 403]);
  }
  const { rows } = await database.pool.query(
    "select total_no_shows from customer_analytics where square_customer_id = $1",
    [customer],
  );
  expect(rows).toEqual([{ total_no_shows: 77 }]);
  expect(
    await page.evaluate(`fetch("${url}/recompute", { method: "POST" }).then((answer) => answer.status)`),
  ).toBe(200);
});

test("a signed webhook moves tiles and an open customer without a reload, and its cause is told", async () => {
  const page = await visit("/?period=today");
  // The rows that probably change next are read, so what a value was before is known.
  const [likely] = await Promise.all([page.waitForResponse(/sort=last_visit_at/), page.reload()]);
  await likely.finished();
  await tile(page, "Average ticket").waitFor();
  const { customers } = await of("customers?sort=last_visit_at&order=desc&limit=1");
  const [{ square_customer_id: customer, total_payments: payments }] = customers;
  await page.getByText("Live", { exact: true }).waitFor();
  const other = await page.context().newPage();
  await other.clock.setFixedTime(NOW);
  await other.goto(`/customers/${customer}`);
  await other.getByRole("heading", { name: "Timeline" }).waitFor();
  await page.evaluate("window.sameDocument = true");
  for (const tab of [page, other]) await tab.getByText("Live", { exact: true }).waitFor();
  app().clock.advance(1_000);
  await expect.poll(() => app().http.openStreams.size).toBe(1);
  const event = paymentEvent({
    id: "live",
    customer_id: customer,
    cents: 123_456,
    created_at: NOW.toISOString(),
    updated_at: NOW.toISOString(),
  });
  const answer = await app().send(bodyOf(event), signed(bodyOf(event)));
  expect(answer.json.status).toBe("processed");
  await expect.poll(() => tile(page, "Average ticket").textContent(), { timeout: 15_000 }).toBe("$1,234.56");
  await other.getByText("Paid $1,234.56").waitFor();
  const cause = page.getByRole("region", { name: "What has just changed" });
  await cause.getByText(`Total payments ${payments} → ${payments + 1}`).waitFor();
  expect(await page.evaluate("window.sameDocument")).toBe(true);
});

test("two clicks lead from a tile to the days behind it; back closes what was opened, and a link shows the same", async () => {
  const page = await visit("/?period=90");
  await tile(page, "Accepted").getByRole("button").focus();
  await page.keyboard.press("Enter");
  const panel = page.getByRole("dialog");
  await panel.getByText("The days add up to it").waitFor();
  await panel.getByRole("heading", { name: /bookings behind it$/ }).waitFor();
  expect(await walkWithTab(page)).toMatchObject({ missed: [], unseen: [] });
  const { days } = await of("appointments/daily?from=2026-03-04&to=2026-06-01");
  const counted = days.filter((day: { accepted_appointments: number }) => day.accepted_appointments > 0);
  await expect.poll(() => panel.locator("table").last().locator("tbody tr").count()).toBe(counted.length);
  const link = page.url();
  await page.goBack();
  await panel.waitFor({ state: "hidden" });
  await page.goForward();
  await panel.waitFor();
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  await tile(page, "No-shows").getByRole("button").focus();
  await page.keyboard.press("Enter");
  await panel.waitFor();
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  expect(await tile(page, "No-shows").locator(":focus").count()).toBe(1);
  await page.goto(link);
  await panel.getByText("The days add up to it").waitFor();
});

test("two clicks lead from a team member's number, and from rebooked visits, to as many bookings, and from money to its payments", async () => {
  const { team } = await of("team?from=2026-03-04&to=2026-06-01");
  const [member] = team;
  const page = await visit("/team?period=90");
  const numbers = page.getByRole("row", { name: new RegExp(`^${member.name} `) }).getByRole("button");
  await numbers.first().click();
  const panel = page.getByRole("dialog");
  await panel.getByText("Visits of the period with a segment of this team member.").waitFor();
  await panel.getByRole("heading", { name: /bookings behind it$/ }).waitFor();
  for (let shown = 50; shown < member.visits; shown += 50) {
    await panel.getByRole("button", { name: "Earlier bookings" }).click();
    await expect.poll(() => panel.locator("tbody tr").count()).toBe(Math.min(shown + 50, member.visits));
  }
  expect(await panel.locator("tbody tr").count()).toBe(member.visits);
  expect(await axeFindings(page)).toEqual([]);
  await page.keyboard.press("Escape");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "CSV" }).first().click(),
  ]);
  expect(
    readFileSync(await download.path(), "utf8")
      .trimEnd()
      .split("\r\n"),
  ).toHaveLength(team.length + 1);
  await page.goto("/?period=today&from=2026-05-26&to=2026-06-01");
  const { current } = await of("kpi?from=2026-05-26&to=2026-06-01");
  expect(current.rebooked_visits).toBeGreaterThan(0);
  await tile(page, "Rebooked").getByRole("button").click();
  await expect.poll(() => panel.locator("tbody tr").count()).toBe(current.rebooked_visits);
  await page.keyboard.press("Escape");
  await tile(page, "Returning").getByRole("button").click();
  await panel.getByText("customers behind it, each with the latest booking").waitFor();
  expect(await panel.locator("table").first().locator("tbody tr").count()).toBe(current.returning_customers);
  await page.keyboard.press("Escape");
  // Money leads to payments and refunds, which add up to it.
  const { payments } = await of("payments?counted=net_cents&from=2026-05-26&to=2026-06-01&limit=200");
  const net = payments.reduce((sum: number, line: { net_cents: number }) => sum + line.net_cents, 0);
  expect(net).toBe(current.net_cents);
  await page
    .locator(".money-part", { has: page.getByRole("heading", { name: "Net", exact: true }) })
    .getByRole("button")
    .click();
  await panel.getByRole("heading", { name: `${payments.length} payments and refunds behind it` }).waitFor();
  expect(await panel.locator("table").first().locator("tbody tr").count()).toBe(payments.length);
  // The CSV beside the list has all of them.
  const [paid] = await Promise.all([
    page.waitForEvent("download"),
    panel.getByRole("link", { name: "Payments as CSV" }).click(),
  ]);
  expect(paid.suggestedFilename()).toBe("payments.csv");
  const lines = readCsv(readFileSync(await paid.path(), "utf8").slice(1));
  expect(lines.map(({ id }) => id)).toEqual(payments.map(({ id }: { id: string }) => id));
});

test("two clicks lead from the upcoming bookings of a location to as many bookings", async () => {
  const upcoming = async (place: string) => {
    const { days } = await of(`appointments/daily?from=2026-06-02&to=2026-06-08${place}`);
    return days.reduce(
      (sum: number, row: { accepted_appointments: number; pending_appointments: number }) =>
        sum + row.accepted_appointments + row.pending_appointments,
      0,
    );
  };
  const [{ locations }] = (await ask("/api/organizations")).organizations;
  const [{ location_id: location }, { location_id: other }] = locations;
  const move = `update bookings set location_id = $1 where booking_id =
    (select booking_id from bookings where start_at > '2026-06-02' and location_id = $2 order by start_at limit 1)`;
  await database.pool.query(move, [other, location]);
  onTestFinished(async () => {
    await database.pool.query(move, [location, other]);
  });
  const booked = await upcoming(`&location_id=${location}`);
  expect(booked).toBeGreaterThan(0);
  expect(booked).toBeLessThan(await upcoming(""));
  const page = await visit(`/?location=${location}`);
  await expect.poll(() => tile(page, "Upcoming").textContent()).toBe(String(booked));
  await tile(page, "Upcoming").getByRole("button").click();
  const panel = page.getByRole("dialog");
  await expect.poll(() => panel.locator("tbody tr").count()).toBe(booked);
  expect(await axeFindings(page)).toEqual([]);
});

test("the segments of now lead to their customers, those of a past day open theirs, and both are of all locations", async () => {
  const [{ locations }] = (await ask("/api/organizations")).organizations;
  const page = await visit(`/?location=${locations[0].location_id}`);
  const card = page.locator(".card", { has: page.locator(".segment-list") });
  await card.getByRole("heading", { name: /customers of all locations by segment, now$/ }).waitFor();
  const active = card.getByRole("link", { name: /^Active / });
  const number = Number((await active.textContent())?.replace(/\D/g, ""));
  expect(number).toBeGreaterThan(0);
  await active.click();
  await page.getByText(new RegExp(`^${number} customers? of Harbor Salon that match`)).waitFor();
  await page.goto("/?from=2026-03-01&to=2026-03-31");
  await card.getByRole("heading", { name: /by segment, end of Mar 31/ }).waitFor();
  expect(await card.locator(".segment-list li").count()).toBe(5);
  expect(await card.locator(".segment-list").getByRole("link").count()).toBe(0);
  expect(await card.locator(".segment-list").getByRole("button").count()).toBe(5);
});

test("the days of the segments are changed in the page, and a wrong order is refused by name", async () => {
  const page = await visit("/");
  await page.getByText("Change the days of the segments").click();
  await page.getByLabel("Active: days after the last visit").fill("95");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").getByText("at_risk").waitFor();
  await page.getByLabel("Active: days after the last visit").fill("43");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(/customers came due/).waitFor();
  await page.getByText("Active: last visit within 43 days.").waitFor();
});

test("a customer's number opens the rows that it counts", async () => {
  const customer = await aRegular();
  const { value, rows } = await of(`customers/${customer}/explain/total_visits`);
  const page = await visit(`/customers/${customer}`);
  await page
    .locator("dt", { hasText: /^Total visits$/ })
    .locator("+ dd")
    .getByRole("button")
    .click();
  const panel = page.getByRole("dialog");
  await panel.getByText(String(value), { exact: true }).first().waitFor();
  await expect.poll(() => panel.locator("tbody tr").count()).toBe(rows.length);
  expect(await panel.locator("tbody tr", { hasText: /yes$/ }).count()).toBe(value);
  expect(await axeFindings(page)).toEqual([]);
});

test("filters, order and search lie in the address, and the CSV has the same customers", async () => {
  const page = await visit("/customers");
  await page.getByLabel("Rhythm").selectOption("Overdue");
  await page.getByRole("columnheader").getByRole("button", { name: "Total revenue" }).click();
  await expect.poll(() => page.url()).toContain("overdue=true&sort=total_revenue_cents&order=desc");
  const { customers } = await of("customers?overdue=true&sort=total_revenue_cents&order=desc&limit=200");
  await page.getByText(`${customers.length} customers of Harbor Salon that match`).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "CSV" }).click(),
  ]);
  const lines = readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\r\n");
  expect(lines).toHaveLength(customers.length + 1);
  await page.goBack();
  await page.goBack();
  await expect.poll(() => page.url()).toBe(`${base()}/customers`);
  const [technician] = (await ask("/api/organizations")).organizations[0].team_members;
  await page.getByRole("combobox", { name: "Technician" }).selectOption(technician.name);
  await page.getByRole("button", { name: "More filters" }).click();
  await page.getByLabel("Min visits").selectOption("10+ visits");
  await page.getByLabel("Last visit from").fill("2026-01-01");
  const narrowed = `technician_id=${technician.team_member_id}&min_visits=10&last_visit_from=2026-01-01`;
  const matching = (await of(`customers?${narrowed}&limit=200`)).customers;
  expect(matching.length).toBeGreaterThan(0);
  await page.getByText(new RegExp(`^${matching.length} customers? of Harbor Salon that match`)).waitFor();
  await page.getByRole("button", { name: "More filters (2)" }).click();
  await page.getByLabel("Min visits").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Clear 3 filters" }).click();
  const { given_name: name } = customers[0];
  await page.getByLabel("Search").fill(name);
  await expect.poll(() => page.url()).toContain(`q=${name}`);
  await page
    .getByRole("row", { name: new RegExp(name) })
    .first()
    .waitFor();
  await page
    .getByRole("link", { name: new RegExp(name) })
    .first()
    .click();
  await page.getByRole("heading", { name: "Rhythm" }).waitFor();
});

test("every link of a page stays with the seller whose numbers the page shows", async () => {
  await database.pool.query(
    `insert into organizations (id, square_merchant_id, name, currency, time_zone, created_at)
     values (gen_random_uuid(), 'MFIRST', 'First Salon', 'USD', 'UTC', '2001-01-01')`,
  );
  onTestFinished(async () => {
    await database.pool.query("delete from organizations where square_merchant_id = 'MFIRST'");
  });
  const page = await visit(`/?organization=${salon()}&explain=kpi%2Faccepted_appointments`);
  await page.getByRole("dialog").getByText("bookings behind it").waitFor();
  const links = () =>
    page
      .locator('main a[href^="/customers"]')
      .evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
  const strays = async () => (await links()).filter((href) => !href.includes(`organization=${salon()}`));
  await settled(page);
  expect((await links()).length).toBeGreaterThan(20);
  expect(await strays()).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "All of them" }).first().click();
  await heading(page, "Customers");
  await settled(page);
  expect((await links()).length).toBeGreaterThan(1);
  expect(await strays()).toEqual([]);
  await page.locator("main").getByRole("row").getByRole("link").first().click();
  await page.getByRole("heading", { name: "Rhythm" }).waitFor();
});

test("recompute shows a wrong value before and after, and nothing when the row was exact", async () => {
  const customer = await aRegular();
  const page = await visit(`/customers/${customer}`);
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  await database.pool.query(
    "update customer_analytics set total_no_shows = 77 where square_customer_id = $1",
    [customer],
  );
  await page.getByRole("button", { name: "Recompute now" }).click();
  await page.getByRole("row", { name: /^Total no shows 77 / }).waitFor();
  await page.getByRole("button", { name: "Recompute now" }).click();
  await page.getByText("The row was exact.").waitFor();
});

test("a dead event is found by its reason and processed again", async () => {
  const { rows } = await database.pool.query(
    `update webhook_events set status = 'dead', last_error = 'the handler failed for a reason of its own'
     where event_id = (select event_id from webhook_events where event_type = 'payment.updated' limit 1) returning event_id`,
  );
  const page = await visit("/admin/jobs/status");
  await page.getByText("Act now").waitFor();
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText(rows[0].event_id).waitFor();
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  await page.getByText("No dead events").waitFor();
});

test("the Trust page says what is wrong with the webhook subscription and with a token, and what to do", async () => {
  const points = { address: true, enabled: false, signature_key: null, event_types: true, api_version: true };
  const problem = "The webhook subscription is disabled, so Square sends nothing";
  const remedy = 'run "regulars subscribe"';
  const status = { checked_at: NOW, id: "wbhk_1", points, level: "error" as const, problem, remedy };
  await database.pool.query(
    `update organizations set access_token_ciphertext = 'a', refresh_token_ciphertext = 'r', token_obtained_at = $2,
       token_expires_at = $2 where id = $1`,
    [salon(), NOW],
  );
  onTestFinished(async () => {
    await database.pool.query(
      `update organizations set access_token_ciphertext = null, refresh_token_ciphertext = null,
         token_obtained_at = null, token_expires_at = null where id = $1`,
      [salon()],
    );
  });
  await start({ subscription: { status } });
  const page = await visit("/admin/jobs/status");
  await page.getByText("Act now").waitFor();
  const card = page.locator(".card", { has: page.getByRole("heading", { name: "Webhook subscription" }) });
  expect(await card.innerText()).toMatch(/Address\s+right\s+Enabled\s+wrong\s+Signature key\s+unknown/);
  expect(await card.innerText()).toContain(`${problem}. To do: ${remedy}.`);
  const seller = page.getByRole("row", { name: /Harbor Salon/ });
  expect(await seller.innerText()).toContain('expired\nTo do: run "regulars reconcile", which renews it');
});

test("what is empty, on its way, refused or lost is told, and the rest stays", async () => {
  const { rows } = await database.pool.query(
    `insert into organizations (id, square_merchant_id, name, currency, time_zone)
     values (gen_random_uuid(), 'MEMPTY', 'Empty Salon', 'USD', 'UTC') returning id`,
  );
  const page = await visit(`/customers?organization=${rows[0].id}`);
  await page.getByText("No customers yet.").waitFor();
  await page.goto(`/?organization=${rows[0].id}`);
  await page.getByText("No event has come yet.").waitFor();
  await page.getByText(`${base()}/webhooks/square`).waitFor();
  await page.goto(`/customers/NOBODY?organization=${rows[0].id}`);
  await page.getByText("Nobody has this id.").waitFor();
  await page.getByRole("link", { name: "All customers" }).waitFor();
  await page.goto(`/customers?organization=${rows[0].id}`);
  // The choice between two sellers fits on a phone too.
  await page.setViewportSize({ width: 360, height: 800 });
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`/customers?organization=${rows[0].id}&q=nobody`);
  await page.getByText("No customer matches.").waitFor();
  await page.getByRole("button", { name: "Clear filter" }).click();
  await page.getByText("No customers yet.").waitFor();

  let asked = 0;
  await page.route("**/kpi?**", (route) => {
    asked += 1;
    return route.abort();
  });
  await page.goto(`/?organization=${salon()}`);
  await page.locator("[aria-busy]").first().waitFor();
  await page.getByRole("alert").getByText("unreachable").waitFor();
  // A change asks again for what is shown, and lets the failure stand.
  const failed = asked;
  const [customer] = (await of("customers?limit=1")).customers;
  const body = bodyOf(paymentEvent({ id: "beside-failure", customer_id: customer.square_customer_id }));
  const [, answer] = await Promise.all([
    page.waitForResponse(/revenue\/daily/),
    app().send(body, signed(body)),
  ]);
  expect(answer.json.status).toBe("processed");
  expect(asked).toBe(failed);
  await page.getByRole("alert").getByText("unreachable").waitFor();
  await page.route("**/live", (route) => route.abort());
  await page.reload();
  await page.getByText("Polling").waitFor();
  await page.getByRole("alert").getByText("unreachable").waitFor();
  await page.getByRole("heading", { name: "Revenue by day" }).waitFor();
  await page.unroute("**/kpi?**");
  await page.getByRole("button", { name: "Try again" }).click();
  await tile(page, "Accepted").waitFor();
  await database.pool.query("delete from organizations where id = $1", [rows[0].id]);
});

test("a page that cannot be drawn says so and leaves the navigation, and the next try shows it", async () => {
  // It is drawn twice in vain.
  const fault = expect.stringContaining("TypeError");
  const page = await visit("/columns", { faults: [fault, fault] });
  await heading(page, "Dictionary");
  await page.route("**/team?**", (route) => route.fulfill({ json: {} }));
  const pages = page.getByRole("navigation", { name: "Pages" });
  await pages.getByRole("link", { name: "Team" }).click();
  await heading(page, "This page cannot be shown");
  const failure = page.getByRole("alert");
  expect(new URL(page.url()).pathname).toBe("/team");
  expect(await axeFindings(page)).toEqual([]);
  await pages.getByRole("link", { name: "Dictionary" }).click();
  await heading(page, "Dictionary");
  await page.goBack();
  await heading(page, "This page cannot be shown");
  await page.unroute("**/team?**");
  await failure.getByRole("button", { name: "Try again" }).click();
  await heading(page, "Team");
  await page.getByRole("row", { name: /^Technician / }).waitFor();
});

test("the first page's script is at most 200 kB, and files are kept for a year but the page is not", async () => {
  const page = await app().http.inject({ url: "/" });
  expect(page.headers["content-security-policy"]).not.toContain("unsafe");
  expect(page.headers["cache-control"]).toBe("no-cache");
  const scripts = [...page.body.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(
    ([, url]) => url as string,
  );
  expect(scripts.length).toBeGreaterThan(0);
  let bytes = 0;
  for (const url of scripts) {
    const file = await app().http.inject({ url, headers: { "accept-encoding": "gzip" } });
    expect(file.headers["content-encoding"]).toBe("gzip");
    expect(file.headers["cache-control"]).toContain("immutable");
    bytes += file.rawPayload.length;
  }
  expect(bytes).toBeLessThan(200_000);
});

test("the Trust page's address answers JSON to programs and needs the key, and a page to browsers", async () => {
  const asked = async (headers: Record<string, string>) => {
    const { statusCode, headers: answered } = await app().http.inject({ url: "/admin/jobs/status", headers });
    expect(answered.vary).toBe("Accept");
    return [statusCode, String(answered["content-type"]).split(";")[0]];
  };
  expect(await asked({})).toEqual([401, "application/problem+json"]);
  expect(await asked(adminHeaders)).toEqual([200, "application/json"]);
  expect(await asked({ accept: "text/html,application/xhtml+xml" })).toEqual([200, "text/html"]);
});
