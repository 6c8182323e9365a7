import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { programFile } from "../../support/program.js";
import { json, serverThat } from "./support.js";

const client = programFile("src/square/api/client.ts");

/** In a process of its own, since the module cache of this one has seen the SDK. */
const script = `
import { createRequire } from "node:module";
const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => /node_modules.square.index\\.js$/.test(file));
const { openSquareApi } = await import(process.argv[1]);
const api = openSquareApi({ accessToken: "token", merchantId: "M", environment: "sandbox", baseUrl: process.argv[2] });
const before = loaded();
await api.locations();
const after = loaded();
const answered = performance.now();
process.on("exit", () => console.log(JSON.stringify({ before, after, lingered: performance.now() - answered })));
`;

it("the SDK is loaded by the first call, and nothing keeps the process alive after the last", async () => {
  const { url } = await serverThat(json({ locations: [{ id: "L" }] }));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", script, client, url],
    { timeout: 170_000 },
  );
  const { before, after, lingered } = JSON.parse(stdout);
  expect({ before, after }).toEqual({ before: false, after: true });
  // Far below our own time-out of 20 s and the SDK's of 60 s, which is what could linger.
  expect(lingered).toBeLessThan(10_000);
});
