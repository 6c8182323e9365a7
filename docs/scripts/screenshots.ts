/**
 * Starts a demo and takes the pictures of its dashboard in docs/images. `npm run screenshots` runs this. It needs
 * chromium (`apt-get install chromium`, or its path in CHROMIUM).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const IMAGES = path.join(ROOT, "docs/images");

const pictures = [
  { name: "today", where: "/", width: 1280, height: 1000, theme: "light" },
  { name: "today-phone", where: "/", width: 390, height: 844, theme: "light" },
  {
    name: "customers",
    where: "/customers?overdue=true&sort=overdue_at&order=desc",
    width: 1280,
    height: 800,
    theme: "light",
  },
  { name: "customer", where: "", width: 1280, height: 1000, theme: "light" },
  { name: "explain", where: "/?explain=kpi/accepted_appointments", width: 1280, height: 800, theme: "light" },
  { name: "team", where: "/team?period=90", width: 1280, height: 1000, theme: "light" },
  { name: "trust", where: "/admin/jobs/status", width: 1280, height: 900, theme: "dark" },
] as const;

const dataDir = mkdtempSync(path.join(tmpdir(), "regulars-screenshots-"));
const demo = spawn(process.execPath, ["--import", "tsx", "src/main.ts", "demo", "--pace", "50"], {
  cwd: ROOT,
  env: { ...process.env, DATA_DIR: dataDir, PORT: "3990" },
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  await takePictures(await demoInMotion());
} finally {
  demo.kill("SIGTERM");
  await once(demo, "exit");
  rmSync(dataDir, { recursive: true, force: true });
}

/** Waits until the demo's history is stored. @returns the address with the key */
async function demoInMotion(): Promise<URL> {
  let address: string | undefined;
  for await (const line of createInterface({ input: demo.stdout })) {
    address ??= /http:\S+#key=\S+/.exec(line)?.[0];
    if (line.startsWith("The salon goes on")) break;
  }
  // A pipe that nobody reads would fill up and stop the demo.
  demo.stdout.resume();
  if (address === undefined) throw new Error("The demo ended before it printed its address.");
  return new URL(address);
}

async function takePictures(address: URL): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  const headers = { authorization: `Bearer ${address.hash.slice("#key=".length)}` };
  const read = async (url: string) => (await fetch(`${address.origin}${url}`, { headers })).json();
  const { organizations } = (await read("/api/organizations")) as { organizations: { id: string }[] };
  const overdue = `/api/organizations/${organizations[0]?.id}/customers?overdue=true&segment=AT_RISK&sort=total_visits&order=desc`;
  const { customers } = (await read(overdue)) as { customers: { square_customer_id: string }[] };
  for (const { name, where, width, height, theme } of pictures) {
    const page = await browser.newPage({
      baseURL: address.origin,
      viewport: { width, height },
      colorScheme: theme,
      deviceScaleFactor: width < 500 ? 2 : 1,
    });
    await page.goto(`${where || `/customers/${customers[0]?.square_customer_id}`}${address.hash}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    while ((await page.locator("[aria-busy]").count()) > 0) await page.waitForTimeout(100);
    // An answer may still arrive. The picture of Today also waits until the ticker shows an old and a new value.
    await page.waitForTimeout(1_500);
    if (where === "/") {
      await page.locator(".ticker-latest", { hasText: "→" }).waitFor({ timeout: 120_000 });
    }
    await page.screenshot({ path: path.join(IMAGES, `${name}.png`) });
    await page.close();
  }
  await browser.close();
}
