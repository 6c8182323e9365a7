/** A simulated salon that ends at the time of the tests, and the built dashboard. */
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { receiveAll, storeLocations } from "../../src/commands/store-salon.js";
import type { Database } from "../../src/database/database.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { addSalon, NOW, openInbox } from "./app.js";
import { MERCHANT } from "./events.js";

/** Builds the pages into a folder, as `npm run build` builds them. */
export async function buildDashboard(folder: string): Promise<void> {
  const configFile = fileURLToPath(new URL("../../src/dashboard/vite.config.ts", import.meta.url));
  // vitest's own value would build the development edition of React, which is larger and slower than what is served.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  try {
    await build({ configFile, build: { outDir: folder } });
  } finally {
    process.env.NODE_ENV = NODE_ENV;
  }
}

/** Stores one year of a small salon. @returns the organization's id */
export async function addDashboardSalon(database: Database): Promise<string> {
  const organizationId = await addSalon(database);
  const salon = simulateSalon({
    seed: "dashboard",
    start: new Date(NOW.getTime() - 365 * 86_400_000),
    end: NOW,
    customers: 80,
    merchantId: MERCHANT,
  });
  await storeLocations(database, organizationId, salon);
  const inbox = openInbox(database, { maxBatch: 512 });
  const events = [...salon.events()];
  while (events.length > 0) await receiveAll(inbox, events.splice(0, 512));
  await inbox.close();
  return organizationId;
}
