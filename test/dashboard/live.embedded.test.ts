/** What moves a page while it is open: the stream of changes, its loss, and the operator's replay. */
import { EventEmitter, once } from "node:events";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { NOW, signed } from "../support/app.js";
import { openDashboard, tile } from "../support/dashboard-server.js";
import { bodyOf, paymentEvent } from "../support/events.js";

const { database, app, of, visit } = await openDashboard();

interface Customer {
  readonly square_customer_id: string;
  readonly given_name: string;
  readonly family_name: string;
}

async function lastVisitor(): Promise<string> {
  const { customers } = await of("customers?sort=last_visit_at&order=desc&limit=1");
  return customers[0].square_customer_id;
}

/** A customer pays now, by a signed webhook. Today's average ticket of this one payment is its amount. */
async function pay(id: string, cents: number, customer?: string): Promise<void> {
  const customer_id = customer ?? (await lastVisitor());
  const times = { created_at: NOW.toISOString(), updated_at: NOW.toISOString() };
  const body = bodyOf(paymentEvent({ id, customer_id, cents, ...times }));
  app().clock.advance(1_000);
  expect((await app().send(body, signed(body))).json.status).toBe("processed");
}

const isLive = (page: Page) => page.getByText("Live", { exact: true }).waitFor();
const averageTicket = (page: Page) => expect.poll(() => tile(page, "Average ticket").textContent());

async function average(): Promise<string> {
  const day = NOW.toISOString().slice(0, 10);
  const { current } = await of(`kpi?from=${day}&to=${day}`);
  return new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(
    current.avg_ticket_cents / 100,
  );
}

test("all tabs of a browser share one stream, and another takes it over from a closed one and misses nothing", async () => {
  const first = await visit("/?period=today");
  await isLive(first);
  await first.reload();
  await isLive(first);
  const second = await first.context().newPage();
  await second.clock.setFixedTime(NOW);
  await second.goto("/?period=today");
  await isLive(second);
  await tile(second, "Average ticket").waitFor();
  await expect.poll(() => app().http.openStreams.size).toBe(1);
  await second.evaluate("window.sameDocument = true");
  const steps = new EventEmitter();
  const [asking, allowed] = [once(steps, "asking"), once(steps, "allowed")];
  await second.route("**/live", async (route) => {
    steps.emit("asking");
    await allowed;
    await route.continue();
  });
  await first.close();
  await asking;
  await pay("between two streams", 987_654);
  steps.emit("allowed");
  await averageTicket(second).toBe(await average());
  await isLive(second);
  await expect.poll(() => app().http.openStreams.size).toBe(1);
  await pay("after the takeover", 876_543);
  await averageTicket(second).toBe(await average());
  // Only the stream tells causes.
  const cause = second.getByRole("region", { name: "What has just changed" });
  await cause.getByText("payment.updated").first().waitFor();
  expect(await second.evaluate("window.sameDocument")).toBe(true);
});

test("a page says that the stream is being opened, until it is live", async () => {
  const steps = new EventEmitter();
  const allowed = once(steps, "allowed");
  const page = await visit("/columns");
  await page.route("**/live", async (route) => {
    await allowed;
    await route.continue();
  });
  await page.goto("/");
  const dot = page.getByText("Connecting", { exact: true });
  await dot.waitFor();
  expect(await dot.getAttribute("title")).toBe("The stream of changes is being opened.");
  await page.getByText("Opening the stream of changes.").waitFor();
  // The numbers do not wait for it.
  await tile(page, "Accepted").getByRole("button").waitFor();
  steps.emit("allowed");
  await isLive(page);
  await page.getByText("Listening for changes.").waitFor();
  expect(await dot.count()).toBe(0);
});

test("the ticker names the latest change and folds those before it, which an open fold shows in their order", async () => {
  const { customers } = await of("customers?sort=last_visit_at&order=desc&limit=4");
  const names = customers.map((each: Customer) => `${each.given_name} ${each.family_name}`);
  const page = await visit("/?period=today");
  await isLive(page);
  const ticker = page.getByRole("region", { name: "What has just changed" });
  const latest = ticker.locator(".ticker-latest");
  for (const at of [0, 1, 2]) {
    await pay(`folded ${at}`, 1_000 + at, customers[at].square_customer_id);
    await latest.getByRole("link", { name: names[at] }).waitFor();
  }
  const earlier = ticker.getByRole("listitem");
  expect(await earlier.count()).toBe(0);
  await ticker.getByText("2 before").click();
  await expect.poll(() => earlier.count()).toBe(2);
  const shown = () => earlier.getByRole("link").allTextContents();
  await expect.poll(shown).toEqual([names[1], names[0]]);
  expect(new URL(page.url()).searchParams.get("open")).toBe("before");
  await pay("folded 3", 1_003, customers[3].square_customer_id);
  await latest.getByRole("link", { name: names[3] }).waitFor();
  await expect.poll(shown).toEqual([names[2], names[1], names[0]]);
  await ticker.getByText("3 before").click();
  await expect.poll(() => earlier.count()).toBe(0);
});

test("old numbers stay, dimmed, until those of another period come", async () => {
  const page = await visit("/");
  await tile(page, "Accepted").getByRole("button").waitFor();
  const old = await tile(page, "Accepted").textContent();
  const steps = new EventEmitter();
  const allowed = once(steps, "allowed");
  await page.route("**/kpi?**", async (route) => {
    await allowed;
    await route.continue();
  });
  await page.getByRole("button", { name: "90 days" }).click();
  const heading = page.getByRole("heading", { name: "Accepted", exact: true });
  const dimmed = page.locator(".stale", { has: heading });
  await dimmed.waitFor();
  expect(await tile(page, "Accepted").textContent()).toBe(old);
  const opacity = 'Number(getComputedStyle(document.querySelector(".stale")).opacity)';
  await expect.poll(() => page.evaluate(opacity)).toBeLessThan(1);
  steps.emit("allowed");
  await dimmed.waitFor({ state: "detached" });
  const { current } = await of("kpi?from=2026-03-04&to=2026-06-01");
  expect(await tile(page, "Accepted").textContent()).toBe(String(current.accepted_appointments));
});

test("a page that lost its stream says so, asks again by itself, and goes on live when the stream is back", async () => {
  const page = await visit("/?period=today");
  await isLive(page);
  await page.route("**/live", (route) => route.abort());
  await page.reload();
  await page.getByText("Polling").waitFor();
  await tile(page, "Average ticket").waitFor();
  await page.evaluate("window.sameDocument = true");
  await pay("while polling", 765_432);
  await averageTicket(page).toBe(await average());
  expect(app().http.openStreams.size).toBe(0);
  await page.unroute("**/live");
  await isLive(page);
  await pay("live again", 54_321);
  await averageTicket(page).toBe(await average());
  expect(await page.evaluate("window.sameDocument")).toBe(true);
});

test("all dead events of a reason are processed again, and one that fails anew is there with its new reason", async () => {
  const reason = "the handler failed for a reason of two events";
  const { rows } = await database.pool.query(
    `update webhook_events set status = 'dead', last_error = $1
     where event_id in (select event_id from webhook_events where event_type = 'payment.updated' limit 2)
     returning event_id`,
    [reason],
  );
  const broken = rows[1].event_id;
  await database.pool.query(
    "update webhook_events set payload = jsonb_set(payload, '{data,object,payment,amount_money}', '7') where event_id = $1",
    [broken],
  );
  const page = await visit("/admin/jobs/status");
  const group = page.getByRole("listitem").filter({ hasText: reason });
  await group.waitFor();
  await page.getByRole("button", { name: "Replay all 2" }).click();
  await group.waitFor({ state: "detached" });
  const dead = await database.pool.query(
    "select event_id, last_error from webhook_events where status = 'dead'",
  );
  expect(dead.rows).toEqual([{ event_id: broken, last_error: expect.stringContaining("amount_money") }]);
  await page.getByText("amount_money").first().waitFor();
  await page.getByRole("button", { name: "Replay it" }).waitFor();
});
