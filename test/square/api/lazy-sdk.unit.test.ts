import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { json, serverThat } from "./support.js";

const client = fileURLToPath(new URL("../../../src/square/api/client.ts", import.meta.url));

/** In a process of its own, since the module cache of this one has seen the SDK. */
const script = `
import { createRequire } from "node:module";
const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => /node_modules.square.index\\.js$/.test(file));
const { openSquareApi } = await import(process.argv[1]);
const api = openSquareApi({ accessToken: "token", merchantId: "M", environment: "sandbox", baseUrl: process.argv[2] });
const before = loaded();
await api.locations();
console.log(JSON.stringify({ before, after: loaded() }));
`;

it("the SDK, with its second of loading and its 117 MB, is loaded by the first call; and nothing keeps the process alive afterwards", async () => {
  const { url } = await serverThat(json({ locations: [{ id: "L" }] }));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", script, client, url],
    { timeout: 40_000 },
  );
  expect(JSON.parse(stdout)).toEqual({ before: false, after: true });
});
