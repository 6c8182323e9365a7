import { beforeEach, describe, expect, it } from "vitest";
import { addSalon } from "../support/app.js";
import { openForCommands, regulars } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { addProfiles, heldSweep, nothingWrong } from "../support/sweeping.js";
import { insert, uncomputablePayment } from "../support/worlds-insert.js";

// The embedded database is this process's meanwhile, as it is a running server's: the command reaches it through the
// socket.
const { database, env } = await openForCommands();
let organizationId: string;

beforeEach(async () => {
  await emptyDatabase(database);
  organizationId = await addSalon(database);
  await addProfiles(database, organizationId, 300);
});

const run = (...parameters: string[]) => regulars(env, "reconcile", ...parameters);

describe("regulars reconcile", () => {
  it("sweeps once, prints the report, and exits 0 also when it has corrected something", async () => {
    const first = await run("--json");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(first.stdout)).toMatchObject({
      ...nothingWrong,
      mode: "recent",
      checked: 300,
      created: 300,
    });

    await database.pool.query(
      "update customer_analytics set given_name = 'wrong' where square_customer_id < 'C000003'",
    );
    const second = await run("--mode", "full");
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toContain("Rows compared: 300.\n");
    expect(second.stdout).toContain("Drifted: 2, corrected: 2.");
    expect(second.stdout).toContain("  given_name: 2\n");
  });

  it("stops comparing when its time is spent, and goes on there", async () => {
    const first = await run("--time-budget", "0", "--json");
    expect(JSON.parse(first.stdout)).toMatchObject({ complete: false, checked: 250, created: 250 });
    const second = await run("--time-budget", "0");
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining("Rows compared: 50.\n") });
  });

  it("exits 1 when something could not be done, and says what", async () => {
    await insert(database, organizationId, "payments", [uncomputablePayment("C000007")]);
    const ended = await run();
    expect(ended).toMatchObject({ code: 1, stderr: "" });
    expect(ended.stdout).toMatch(/^Error in check: 1 customer\(s\) could not be computed .*: C000007$/m);
    const asJson = await run("--json");
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ success: false, errors: [{ code: "not_computed" }] });
  });

  it("does nothing while another sweep is running, and says so", async () => {
    const first = heldSweep(database, new Date());
    await first.begun;
    expect(await run()).toEqual({
      code: 0,
      stdout: "Another sweep is running. Nothing was done.\n",
      stderr: "",
    });
    expect(JSON.parse((await run("--json")).stdout)).toEqual({ success: true, skipped: "already_running" });
    first.go();
    await first.sweeping;
  });

  it("refuses a mode and a time budget that are none", async () => {
    for (const parameters of [
      ["--mode", "everything"],
      ["--time-budget", "-1"],
      ["--time-budget", "soon"],
    ]) {
      expect((await run(...parameters)).code).toBe(1);
    }
    expect((await database.pool.query("select 1 from application_logs")).rowCount).toBe(0);
  });
});
