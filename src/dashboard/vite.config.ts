import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const BUILD = path.join(import.meta.dirname, "../../dist/dashboard");

/** Writes every file a second time, compressed, so that the server compresses nothing. */
const compressed: Plugin = {
  name: "compressed",
  writeBundle({ dir = BUILD }) {
    const folder = path.join(dir, "assets");
    for (const name of readdirSync(folder)) {
      const file = path.join(folder, name);
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
    }
  },
};

/** What only pages other than the first need. */
const LATER = /dashboard\/(customer|customers|team|trust|dictionary)\/|react-virtual|virtual-core/;

/** Builds the pages into dist/dashboard. Every script and style is a file of its own: the content security policy has no inline code. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), compressed],
  build: {
    outDir: BUILD,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Two files for the first page. Split by what pages share it was eighteen, and a browser asks for six at a time.
    cssCodeSplit: false,
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "first", test: (id: string) => !LATER.test(id) }] } },
    },
  },
  logLevel: "warn",
});
