/** Builds the dashboard after an installation. Without the development dependencies it says so and goes on. */
import { fileURLToPath } from "node:url";

const vite = await import("vite").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
});
if (vite) await vite.build({ configFile: fileURLToPath(new URL("vite.config.ts", import.meta.url)) });
else console.log("The dashboard is not built: `npm install && npm run build` builds it.");
