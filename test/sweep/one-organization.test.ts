/** Square's faults for one organization do not affect the others. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { encryptAccessToken } from "../../src/organizations/access-token.js";
import { addOrganization } from "../../src/organizations/organizations.js";
import { sweep } from "../../src/sweep/sweep.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { connectSalon, openSquareWorld } from "../support/square.js";
import { ACCESS_TOKEN, TOKEN_KEY } from "../support/square-context.js";
import { reportOf } from "../support/sweeping.js";

const database = await openTestDatabase();

beforeEach(() => emptyDatabase(database));

const never = { times: Number.POSITIVE_INFINITY };

test("a silent Square costs its organization one time-out, and the other nothing", async () => {
  const harbor = await openSquareWorld(database, { seed: "harbor", customers: 3 });
  const silent = await openSquareWorld(
    database,
    { seed: "silent", customers: 3, merchantId: "MLSILENT" },
    { timeoutMs: 1_000 },
  );
  for (const _ of harbor.salon.events());
  const [, id] = [await connectSalon(database, harbor), await connectSalon(database, silent)];
  silent.square.fail({ kind: "no-answer" }, { ...never, after: 1 });
  const context = {
    ...harbor.context,
    openApi: (access: Parameters<typeof harbor.context.openApi>[0]) =>
      (access.merchantId === "MLSILENT" ? silent : harbor).context.openApi(access),
  };
  const limit = vi.spyOn(AbortSignal, "timeout");
  onTestFinished(() => limit.mockRestore());
  const report = reportOf(await sweep(context, "recent"));
  expect(limit, "the pull has half of the sweep's five minutes").toHaveBeenCalledWith(150_000);
  expect(report.errors).toMatchObject([{ organization_id: id, step: "locations", code: "square_timed_out" }]);
  expect(silent.square.requests.length, "merchants/me, and one request in two attempts").toBe(3);
  expect(report.pulled.payments).toBe(harbor.salon.truth.payments.size);
  expect(report).toMatchObject({ complete: true, waiting: { organizations: 1 } });
});

test("a token that cannot be decrypted is one organization's error: the other is pulled, and the sweep ends", async () => {
  const world = await openSquareWorld(database, { seed: "readable", customers: 3 });
  for (const _ of world.salon.events());
  await connectSalon(database, world);
  const accessTokenCiphertext = encryptAccessToken(Buffer.alloc(32, 1), "MLBROKEN", ACCESS_TOKEN);
  const merchant = { merchantId: "MLBROKEN", accessTokenCiphertext };
  const { id } = await addOrganization(database, merchant, world.clock.now);
  const report = reportOf(await sweep(world.context, "recent"));
  expect(report.errors).toMatchObject([{ organization_id: id, step: "connect", code: "token_unreadable" }]);
  expect(report.errors[0]?.message).toMatch(/TOKEN_ENCRYPTION_KEY .* Add the token again/);
  expect(report.pulled.payments).toBe(world.salon.truth.payments.size);
  expect(report).toMatchObject({ success: false, complete: true, waiting: { organizations: 1 } });
});

test("a full sweep's pull has an hour, and a slow Square does not hold up its check", async () => {
  const world = await openSquareWorld(database, { seed: "full", customers: 3 }, { timeoutMs: 60_000 });
  await connectSalon(database, world);
  const limit = vi.spyOn(AbortSignal, "timeout");
  onTestFinished(() => limit.mockRestore());
  await sweep(world.context, "full", { timeBudgetMs: 366 * 86_400_000 });
  expect(limit, "a timer of Node's has 24 days at most").toHaveBeenCalledWith(2 ** 31 - 1);
  const whole = reportOf(await sweep(world.context, "full"));
  expect(whole).toMatchObject({ success: true, complete: true, waiting: { organizations: 0 } });
  expect(limit).toHaveBeenCalledWith(3_600_000);
  world.square.fail({ kind: "no-answer" }, never);
  const slow = reportOf(await sweep(world.context, "full", { timeBudgetMs: 800 }));
  expect(limit).toHaveBeenCalledWith(400);
  expect(slow).toMatchObject({ success: true, complete: true, waiting: { organizations: 1 } });
  expect(slow.checked).toBe(whole.checked);
});

test("a slow Square uses only its budget: the check runs, and the next sweep begins with the organizations that waited", async () => {
  const world = await openSquareWorld(database, { seed: "slow", customers: 1 }, { timeoutMs: 60_000 });
  world.square.fail({ kind: "no-answer" }, never);
  const ids: string[] = [];
  for (const merchantId of ["M1", "M2", "M3", "M4", "M5", "M6"]) {
    const accessTokenCiphertext = encryptAccessToken(TOKEN_KEY, merchantId, ACCESS_TOKEN);
    ids.push((await addOrganization(database, { merchantId, accessTokenCiphertext }, world.clock.now)).id);
  }
  const asked: string[] = [];
  const context = {
    ...world.context,
    openApi: (access: Parameters<typeof world.context.openApi>[0]) => {
      asked.push(access.merchantId);
      return world.context.openApi(access);
    },
  };
  const run = async (mode: "recent" | "full" = "recent") => {
    asked.length = 0;
    world.clock.advance(3_600_000);
    return reportOf(await sweep(context, mode, { pullBudgetMs: 400 }));
  };
  const first = await run();
  expect(first).toMatchObject({ success: true, complete: true, waiting: { organizations: 6 } });
  expect(first.steps.map(({ step }) => step)).toEqual([
    "events",
    "due",
    "pull",
    "check",
    "days",
    "retention",
  ]);
  expect(asked).toHaveLength(4);
  const unreached = ["M1", "M2", "M3", "M4", "M5", "M6"].filter((merchant) => !asked.includes(merchant));
  await run();
  expect(asked).toEqual(expect.arrayContaining(unreached));

  for (let sweeps = 0; sweeps < 2; sweeps += 1) await run();
  const last = await run();
  expect(last.success).toBe(false);
  const [error] = last.errors;
  expect(error).toMatchObject({ step: "pull", code: "pull_unfinished" });
  expect(error?.message).toContain(`regulars backfill --organization ${error?.organization_id}`);
  expect(ids).toContain(error?.organization_id);

  world.clock.advance(24 * 3_600_000);
  const late = await run();
  expect(late.errors).toContainEqual({
    organization_id: null,
    step: "pull",
    code: "pull_behind",
    message: expect.stringMatching(/^2 organization\(s\) were not pulled for a day\. Sweep more often/),
  });
});
