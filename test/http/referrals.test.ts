import { beforeEach, expect, test, vi } from "vitest";
import { inTransaction } from "../../src/database/transaction.js";
import type { Fact } from "../../src/facts/types.js";
import { lockFacts, writeFacts } from "../../src/facts/write-facts.js";
import { toInstant } from "../../src/square/timestamp.js";
import { adminHeaders, NOW, openSalonApp, type TestApp } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { customerEvent, mergeEvents } from "../support/events.js";
import { tablesOf } from "../support/tables.js";
import { analyticsDifferences, readFacts } from "../support/worlds.js";

const database = await openTestDatabase();
let app: TestApp;
let salon: string;

beforeEach(async () => {
  ({ app, salon } = await openSalonApp(database));
});

const put = async (path: string, payload: unknown, id = salon) => {
  const url = `/api/organizations/${id}/${path}`;
  const text = JSON.stringify(payload);
  const answer = await app.http.inject({
    method: "PUT",
    url,
    headers: { ...adminHeaders, "content-type": "application/json" },
    payload: text,
  });
  return { status: answer.statusCode, body: answer.json() };
};
const profile = (id: string, payload: object = {}) => put(`referrals/${id}`, payload);
const reward = (id: string, referrer: string, rest: object = {}) =>
  put(`referral-rewards/${id}`, {
    referrer_customer_id: referrer,
    referred_customer_id: "someone",
    status: "PAID",
    reward_cents: 1_000,
    ...rest,
  });
const row = async (id: string) => {
  const url = `/api/organizations/${salon}/customers/${id}`;
  return (await app.http.inject({ url, headers: adminHeaders })).json().customer;
};
const merge = async (from: string, to: string) => {
  for (const event of mergeEvents([from], to, "2026-05-01T10:00:00Z")) await app.deliver(event);
};
const expectExactRows = async () =>
  expect(await analyticsDifferences(database, salon, await readFacts(database, salon), NOW)).toEqual([]);

test("a profile is stored whole: its customer is recomputed, the same again changes nothing, what is left out is cleared", async () => {
  const given = {
    referral_code: "ANA-10",
    used_referral_code: "BEA-10",
    activated_as_referrer: true,
    activated_at: "2026-05-01T12:00:00+02:00",
  };
  const activated_at = "2026-05-01T10:00:00.000Z";
  const first = await profile("ana", given);
  expect(first).toEqual({
    status: 201,
    body: {
      referral_profile: { square_customer_id: "ana", ...given, activated_at },
      customers: [{ square_customer_id: "ana", changes: expect.anything() }],
    },
  });
  expect(first.body.customers[0].changes).toMatchObject({
    is_referrer: { before: null, after: true },
    activated_as_referrer_at: { before: null, after: activated_at },
    referral_source: { before: null, after: "BEA-10" },
  });
  const same = await profile("ana", given);
  expect(same).toMatchObject({ status: 200, body: { customers: [] } });
  const cleared = await profile("ana", { activated_at: null });
  expect([cleared.status, Object.keys(cleared.body.customers[0].changes).sort()]).toEqual([
    200,
    ["activated_as_referrer_at", "is_referrer", "referral_source"],
  ]);
  expect(await row("ana")).toMatchObject({ is_referrer: false, referral_source: null });
  await expectExactRows();
});

test("a reward recomputes its referrer and the earlier one, to the last cent", async () => {
  await profile("ana");
  await profile("bea");
  const first = await reward("r1", "ana", { reward_cents: "9007199254740993" });
  expect(first).toMatchObject({
    status: 201,
    body: {
      referral_reward: { reward_id: "r1", referrer_customer_id: "ana", reward_cents: "9007199254740993" },
      customers: [{ square_customer_id: "ana" }],
    },
  });
  expect(await row("ana")).toMatchObject({ total_referrals: 1, total_rewards_cents: "9007199254740993" });
  const moved = await reward("r1", "bea");
  expect(moved.status).toBe(200);
  expect(moved.body.customers).toEqual([
    {
      square_customer_id: "ana",
      changes: {
        total_referrals: { before: 1, after: 0 },
        total_rewards_cents: { before: "9007199254740993", after: 0 },
      },
    },
    {
      square_customer_id: "bea",
      changes: {
        total_referrals: { before: 0, after: 1 },
        total_rewards_cents: { before: 0, after: 1_000 },
      },
    },
  ]);
  expect((await reward("r1", "bea", { status: "PENDING" })).body.customers[0].changes).toEqual({
    total_rewards_cents: { before: 1_000, after: 0 },
  });
  expect((await reward("r1", "bea", { status: "VOID" })).body.customers[0].changes).toEqual({
    total_referrals: { before: 1, after: 0 },
  });
  await expectExactRows();
});

test("a merged id lands on its survivor, whichever comes first: the referral or the merge", async () => {
  await profile("early", { used_referral_code: "EARLY" });
  await reward("r-early", "early");
  await merge("early", "survivor");
  await merge("late", "survivor");
  const put = await profile("late", { activated_as_referrer: true });
  expect(put).toMatchObject({
    status: 201,
    body: {
      referral_profile: { square_customer_id: "late" },
      customers: [
        { square_customer_id: "survivor", changes: { is_referrer: { before: false, after: true } } },
      ],
    },
  });
  await reward("r-late", "late", { referred_customer_id: "another" });
  const told = await row("late");
  expect(told).toMatchObject({
    square_customer_id: "survivor",
    is_referrer: true,
    referral_source: "EARLY",
    total_referrals: 2,
    total_rewards_cents: 2_000,
  });
  await app.deliver(
    customerEvent("customer.updated", { id: "late", version: 99, creation_source: "UNMERGE_RECOVERY" }),
  );
  expect(await row("late")).toMatchObject({
    square_customer_id: "late",
    is_referrer: true,
    total_referrals: 1,
  });
  await expectExactRows();
});

test("referrals and merges at the same time leave exact rows", async () => {
  const rounds = Array.from({ length: 12 }, (_, round) => round);
  await Promise.all(
    rounds.flatMap((round) => [
      profile(`a${round}`, { activated_as_referrer: true }),
      reward(`r${round}`, `a${round}`),
      merge(`a${round}`, `b${round % 3}`),
      reward(`r${round}`, `a${(round + 1) % 12}`),
      profile(`b${round % 3}`, { used_referral_code: `code ${round}` }),
    ]),
  );
  expect((await readFacts(database, salon)).referral_profiles).toHaveLength(15);
  await expectExactRows();
});

test("a referral that waited while its customer was merged is counted for the survivor", async () => {
  const at = toInstant(NOW);
  const value = { from_customer_id: "ana", to_customer_id: "bea", source_version: 3n };
  const merge: Fact = { kind: "merge", value: { ...value, merged_at: at, ended_at: at, announced_at: at } };
  let waiting: Promise<unknown> | undefined;
  await inTransaction(database.pool, async (tx) => {
    const locked = await lockFacts(tx, salon, [merge]);
    waiting = Promise.all([profile("ana", { used_referral_code: "X" }), reward("r", "ana")]);
    // On the embedded database requests wait for the whole transaction.
    if (database.kind === "postgres") await vi.waitFor(twoWait, { timeout: 60_000 });
    await writeFacts(tx, salon, locked, [[merge]], NOW);
  });
  await waiting;
  expect(await row("ana")).toMatchObject({
    square_customer_id: "bea",
    referral_source: "X",
    total_referrals: 1,
  });
  await expectExactRows();
});

async function twoWait() {
  const { rows } = await database.pool.query<{ waiting: number }>(
    `select count(*)::integer as waiting from pg_locks
     where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
  );
  expect(rows[0]?.waiting).toBe(2);
}

const whole = { referrer_customer_id: "a", referred_customer_id: "b", status: "PAID", reward_cents: 1 };
const wrong: readonly [path: string, payload: unknown, parameter: string][] = [
  ["referrals/ana", { code: "X" }, "code"],
  ["referrals/ana", { referral_code: "" }, "referral_code"],
  ["referrals/ana", { referral_code: "x".repeat(256) }, "referral_code"],
  ["referrals/ana", { referral_code: "a\0" }, "referral_code"],
  ["referrals/ana", { used_referral_code: "\ud800" }, "used_referral_code"],
  ["referrals/ana", { used_referral_code: 7 }, "used_referral_code"],
  ["referrals/ana", { activated_as_referrer: "true" }, "activated_as_referrer"],
  ["referrals/ana", { activated_at: "2026-02-30T10:00:00Z" }, "activated_at"],
  ["referrals/ana", { activated_at: "2026-05-01T10:00:00" }, "activated_at"],
  ["referrals/ana", [], "body"],
  ["referrals/ana", null, "body"],
  ["referrals/ana?dry_run=true", {}, "dry_run"],
  ["referrals/%00", {}, "squareCustomerId"],
  ["referral-rewards/r", {}, "referrer_customer_id"],
  ["referral-rewards/r", { ...whole, referred_customer_id: "" }, "referred_customer_id"],
  ["referral-rewards/r", { ...whole, status: "paid" }, "status"],
  ["referral-rewards/r", { ...whole, reward_cents: -1 }, "reward_cents"],
  ["referral-rewards/r", { ...whole, reward_cents: 1.5 }, "reward_cents"],
  ["referral-rewards/r", { ...whole, reward_cents: 2 ** 53 }, "reward_cents"],
  ["referral-rewards/r", { ...whole, reward_cents: "9223372036854775808" }, "reward_cents"],
  ["referral-rewards/r", { ...whole, reward_id: "r" }, "reward_id"],
];

test("a request that is wrong is refused, names the parameter, and stores nothing", async () => {
  const before = await tablesOf(database, salon);
  for (const [path, payload, parameter] of wrong) {
    const answer = await put(path, payload);
    expect(answer, `${path} ${JSON.stringify(payload)}`).toMatchObject({
      status: 400,
      body: { code: "invalid_request", parameter },
    });
  }
  expect(await tablesOf(database, salon)).toEqual(before);
});

test("an organization that does not exist answers 404", async () => {
  for (const [path, payload] of [
    ["referrals/ana", {}],
    ["referral-rewards/r", whole],
  ] as const) {
    expect(await put(path, payload, crypto.randomUUID())).toMatchObject({
      status: 404,
      body: { code: "organization_not_found" },
    });
  }
});
