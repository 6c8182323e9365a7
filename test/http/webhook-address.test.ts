import { expect, test } from "vitest";
import { toWebhookRoute } from "../../src/http/webhook-address.js";
import { signBody } from "../../src/square/signature.js";
import { addSalon, openTestApp, SIGNATURE_KEY, testConfig } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { bodyOf, squareEvent } from "../support/events.js";

const database = await openTestDatabase();
await addSalon(database);

async function open(notificationUrl: string) {
  const webhook = { ...testConfig.webhook, notificationUrl };
  const app = await openTestApp(database, { config: { ...testConfig, webhook } });
  const post = async (url: string) => {
    const payload = bodyOf(squareEvent("no.such.type", { note: "hunter2" }));
    const signature = signBody(SIGNATURE_KEY, notificationUrl, payload);
    const headers = { "content-type": "application/json", "x-square-hmacsha256-signature": signature };
    return (await app.http.inject({ method: "POST", url, headers, payload })).statusCode;
  };
  return { ...app, post };
}

test.each([
  "https://regulars.example/hooks/caf%C3%A9",
  "https://regulars.example/hooks/caf%C3%A9/",
  "https://regulars.example/hooks/caf%C3%A9/?salon=1",
  "https://regulars.example/:id/*",
  "https://regulars.example",
])("deliveries come in at the path of %s, with and without a slash, and at /webhooks/square", async (url) => {
  const { post, http } = await open(url);
  const bare = new URL(url).pathname.replace(/\/$/, "");
  const paths = [`${bare}/`, `${bare}/?x=1`, "/webhooks/square", "/webhooks/square/"];
  for (const path of bare === "" ? paths : [bare, ...paths])
    expect([path, await post(path)]).toEqual([path, 200]);
  expect((await http.inject("/healthz")).statusCode).toBe(200);
  const got = await http.inject(`${bare}/`);
  expect(got.statusCode, "only deliveries, and at / the dashboard").toBe(bare === "" ? 200 : 404);
});

test("deliveries to another path are logged once a minute, with the path that is served", async () => {
  const { post, http, logLines } = await open("https://regulars.example/webhooks/square");
  expect(await Promise.all(["/webhooks", "/webhooks/square/ana@example.com", "/"].map(post))).toEqual([
    404, 404, 404,
  ]);
  expect((await http.inject({ method: "POST", url: "/nowhere" })).statusCode).toBe(404);
  const told = logLines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40);
  expect(told).toMatchObject([{ level: 40, code: "not_found", served: "/webhooks/square" }]);
  expect(logLines.join()).not.toMatch(/hunter2|ana@/);
});

test("other requests keep their address", () => {
  const rewrite = toWebhookRoute("https://regulars.example/api/session");
  expect(rewrite({ method: "GET", url: "/api/session?x=1" } as never)).toBe("/api/session?x=1");
  expect(rewrite({ method: "POST", url: "/api/sessions" } as never)).toBe("/api/sessions");
});
