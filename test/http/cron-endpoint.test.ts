import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { addSalon, openTestApp, type TestAppOptions, testConfig } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { addProfiles, heldStep, heldSweep, nothingWrong } from "../support/sweeping.js";

const PATH = "/api/cron/refresh-customer-analytics";
const SECRET = "cron-secret-of-the-tests";
const authorization = `Bearer ${SECRET}`;
const NOW = new Date("2026-06-01T12:00:00Z");

const database = await openTestDatabase();
beforeEach(async () => {
  await emptyDatabase(database);
  await addProfiles(database, await addSalon(database), 3);
});

const open = (options: TestAppOptions = {}) =>
  openTestApp(database, { config: { ...testConfig, cronSecret: SECRET }, ...options });

async function logRows() {
  return (await database.pool.query("select status, payload from application_logs")).rows;
}

describe("the cron endpoint", () => {
  it.each(["GET", "POST"] as const)(
    "sweeps on %s and answers the report, which its log row holds",
    async (method) => {
      const { http } = await open();
      const answer = await http.inject({ method, url: PATH, headers: { authorization } });
      expect(answer.statusCode).toBe(200);
      const report = answer.json();
      expect(report).toMatchObject({ ...nothingWrong, mode: "recent", checked: 3, created: 3 });
      expect(await logRows()).toEqual([
        { status: "completed", payload: { cron_name: "refresh-customer-analytics", ...report } },
      ]);
    },
  );

  it.each(["recent", "full"])("takes mode=%s", async (mode) => {
    const { http } = await open();
    const answer = await http.inject({ url: `${PATH}?mode=${mode}`, headers: { authorization } });
    expect(answer.json()).toMatchObject({ success: true, mode });
  });

  it.each(["?mode=everything", "?mode=", "?mode=FULL", "?mode=recent&mode=full"])(
    "refuses %s with 400 and sweeps nothing",
    async (query) => {
      const { http } = await open();
      const answer = await http.inject({ url: PATH + query, headers: { authorization } });
      expect(answer).toMatchObject({ statusCode: 400 });
      expect(answer.json()).toMatchObject({ code: "invalid_request" });
      expect(await logRows()).toEqual([]);
    },
  );

  it.each([
    ["none", {}],
    ["a wrong one", { authorization: "Bearer wrong" }],
    ["the beginning of it", { authorization: authorization.slice(0, -1) }],
    ["more than it", { authorization: `${authorization}x` }],
    ["it in another scheme", { authorization: `Basic ${SECRET}` }],
    ["it without a scheme", { authorization: SECRET }],
    ["an empty token", { authorization: "Bearer " }],
    ["the admin key", { authorization: `Bearer ${testConfig.adminApiKey}` }],
    ["a user agent of a cron service", { "user-agent": "vercel-cron/1.0" }],
    ["a header of a cron service", { "x-vercel-cron": "1" }],
  ])("without the secret (%s) answers 401 and sweeps nothing", async (_, headers) => {
    const { http } = await open();
    for (const method of ["GET", "POST"] as const) {
      const answer = await http.inject({ method, url: PATH, headers });
      expect(answer.statusCode).toBe(401);
      expect(answer.json()).toMatchObject({ code: "unauthorized" });
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
    }
    const inQuery = await http.inject(`${PATH}?secret=${SECRET}&token=${SECRET}`);
    expect(inQuery.statusCode).toBe(401);
    expect(await logRows()).toEqual([]);
  });

  it.each([{}, { authorization }, { authorization: "Bearer undefined" }, { authorization: "Bearer " }])(
    "without CRON_SECRET answers 503 and names it (%o)",
    async (headers) => {
      const { http } = await open({ config: testConfig });
      const answer = await http.inject({ url: PATH, headers });
      expect(answer.statusCode).toBe(503);
      expect(answer.json()).toMatchObject({ code: "not_configured" });
      expect(answer.json().detail).toContain("CRON_SECRET");
      expect(await logRows()).toEqual([]);
    },
  );

  it.each(["HEAD", "PUT", "DELETE", "OPTIONS"] as const)("does nothing on %s", async (method) => {
    const { http } = await open();
    const answer = await http.inject({ method, url: PATH, headers: { authorization } });
    expect(answer.statusCode).toBe(401);
    expect(await logRows()).toEqual([]);
  });

  it.each([
    "application/json",
    "application/octet-stream",
    "text/plain",
    "application/x-www-form-urlencoded",
  ])("minds no body of the type %s", async (type) => {
    const { http } = await open();
    for (const payload of ["", "{", "mode=full"]) {
      const headers = { authorization, "content-type": type };
      const answer = await http.inject({ method: "POST", url: PATH, headers, payload });
      expect(answer.json()).toMatchObject({ success: true, mode: "recent" });
    }
  });

  it("answers 200 and skipped while another sweep is running", async () => {
    const { http } = await open();
    const first = heldSweep(database, NOW);
    await first.begun;
    const answer = await http.inject({ url: PATH, headers: { authorization } });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ success: true, skipped: "already_running" });
    first.go();
    await first.sweeping;
  });
});

/** An app whose sweep stands still until `go()`, and the request that began it. */
async function sweepingOverHttp() {
  const { retryDue, begun, go } = heldStep();
  const app = await open({
    sweeping: {
      inbox: { receive: () => Promise.reject(new Error("this sweep pulls nothing")), retryDue },
    },
  });
  await app.http.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.http.server.address() as AddressInfo;
  const connected = once(app.http.server, "connection");
  const outgoing = request({ port, host: "127.0.0.1", path: PATH, headers: { authorization }, agent: false });
  outgoing.on("error", () => {});
  outgoing.end();
  await begun;
  const [socket] = await connected;
  const hangUp = async () => {
    outgoing.destroy();
    await once(socket, "close");
  };
  return { app, outgoing, hangUp, go };
}

describe("a sweep over HTTP", () => {
  it("goes on when its client hangs up", async () => {
    const { app, hangUp, go } = await sweepingOverHttp();
    await hangUp();
    go();
    await app.sweeps.idle();
    expect(await logRows()).toMatchObject([{ status: "completed", payload: { created: 3, complete: true } }]);
  });

  it("is told of the server's stop, answers what it did so far, and the stop waits for it", async () => {
    const { app, outgoing, go } = await sweepingOverHttp();
    const answered = once(outgoing, "response");
    const closing = app.stop();
    go();
    const [incoming] = await answered;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    expect(incoming.statusCode).toBe(200);
    const report = JSON.parse(Buffer.concat(chunks).toString());
    expect(report).toMatchObject({ success: false, complete: false, errors: [{ code: "interrupted" }] });
    await closing;
    expect(await logRows()).toMatchObject([{ status: "error", payload: report }]);
  });

  it("is waited for by the server's stop when its client has hung up before", async () => {
    const { app, hangUp, go } = await sweepingOverHttp();
    await hangUp();
    const closing = app.stop();
    go();
    await closing;
    expect(await logRows()).toMatchObject([
      { status: "error", payload: { errors: [{ code: "interrupted" }] } },
    ]);
  });
});
