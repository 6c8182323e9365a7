import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from "vitest";
import { ADMIN_KEY, adminHeaders, NOW, openTestApp, type TestApp, type TestAppOptions } from "./app.js";
import { launchBrowser, missingBrowser, openPage, type PageOptions } from "./browser.js";
import { addDashboardSalon, buildDashboard } from "./dashboard-salon.js";
import { openTestDatabase } from "./database.js";
import { skipUnlessRequired } from "./skip.js";

/**
 * The dashboard of a simulated salon, in a real browser: one database, build and browser for a file, and a server for
 * each test. It registers the hooks of the file that calls it.
 */
export async function openDashboard() {
  const database = await openTestDatabase();
  const folder = await mkdtemp(path.join(tmpdir(), "regulars-dashboard-"));
  let browser: Browser;
  let salon: string;
  let app: TestApp;
  let base: string;

  beforeAll(async () => {
    if (missingBrowser() !== undefined) return;
    await buildDashboard(folder);
    salon = await addDashboardSalon(database);
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async (context) => {
    skipUnlessRequired(context, missingBrowser());
    await start();
  });

  async function start(options: TestAppOptions = {}): Promise<void> {
    app = await openTestApp(database, { dashboard: folder, ...options });
    await app.http.listen({ host: "127.0.0.1", port: 0 });
    base = `http://127.0.0.1:${(app.http.server.address() as AddressInfo).port}`;
  }

  /** What the API answers the admin. */
  async function ask(url: string) {
    const answer = await app.http.inject({ url, headers: adminHeaders });
    expect(answer.statusCode, url).toBe(200);
    return answer.json();
  }

  return {
    database,
    /** The salon's id. */
    salon: () => salon,
    app: () => app,
    /** The server's address. */
    base: () => base,

    /** Another server, which the rest of the test visits. */
    start,

    /**
     * Opens a path, signed in by `key` if there is one. Until the test is over, nothing may go wrong in the page but
     * `faults`.
     */
    async visit(
      where: string,
      {
        key = ADMIN_KEY,
        faults: expected = [],
        ...options
      }: PageOptions & { key?: string | null; faults?: readonly unknown[] } = {},
    ): Promise<Page> {
      const { page, faults } = await openPage(browser, base, { now: NOW, ...options });
      onTestFinished(async () => {
        await page.context().close();
        expect(faults).toEqual(expected);
      });
      await page.goto(key === null ? where : `${where}#key=${key}`);
      return page;
    },

    ask,
    /** What the API answers about the salon. */
    of: (url: string) => ask(`/api/organizations/${salon}/${url}`),
  };
}

/** The value of one of Today's tiles. */
export const tile = (page: Page, label: string) =>
  page
    .locator(".tile", { has: page.getByRole("heading", { name: label, exact: true }) })
    .locator(".tile-value");
