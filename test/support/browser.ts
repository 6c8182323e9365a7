/** A real browser for tests of the dashboard: Debian's chromium, driven by playwright. */
import { existsSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** The reason why there is no browser. Undefined when there is one. */
export function missingBrowser(): string | undefined {
  return existsSync(CHROMIUM) ? undefined : `there is no browser at ${CHROMIUM}: apt-get install chromium`;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

export interface PageOptions {
  readonly width?: number;
  readonly theme?: "light" | "dark";
  /** The browser's time. Timers still run. */
  readonly now?: Date;
}

export interface WatchedPage {
  readonly page: Page;
  /** What went wrong: errors, refusals by the content security policy, requests to another host. */
  readonly faults: string[];
}

/** A page in its own context. */
export async function openPage(
  browser: Browser,
  base: string,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const { width = 1280, theme = "light", now } = options;
  const context = await browser.newContext({
    baseURL: base,
    viewport: { width, height: 900 },
    colorScheme: theme,
    reducedMotion: "reduce",
    locale: "en-US",
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  if (now) await page.clock.setFixedTime(now);
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => faults.push(message));
  page.on("console", (line) => {
    // The page itself shows a refused request, so this line is no fault.
    if (line.type() === "error" && !line.text().startsWith("Failed to load resource"))
      faults.push(line.text());
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith("data:") && !url.startsWith("blob:")) faults.push(url);
  });
  return { page, faults };
}

/**
 * The findings of axe, whatever their weight, one line each.
 *
 * @param rules axe's rules; all of them by default
 */
export async function axeFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
  // Only violations are listed. A list of the elements that pass takes most of the time.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  const { violations } = await (rules ? axe.withRules([...rules]) : axe).analyze();
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ target }) => `${impact}: ${id}: ${target.join(" ")}`),
  );
}
