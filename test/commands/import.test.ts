import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { importReferrals } from "../../src/operations/import-referrals.js";
import { readReferralFile } from "../../src/operations/referral-file.js";
import { addSalon, NOW } from "../support/app.js";
import { openForCommands, regulars, regularsReading } from "../support/command-line.js";
import { emptyDatabase } from "../support/database.js";
import { analyticsDifferences, readFacts } from "../support/worlds.js";

const { database, env } = await openForCommands();
const folder = await mkdtemp(path.join(tmpdir(), "regulars-import-"));
afterAll(() => rm(folder, { recursive: true }));
let salon: string;
beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

const file = path.join(folder, "referrals.csv");
async function importing(text: string | Buffer, ...options: string[]) {
  await writeFile(file, text);
  return regulars(env, "import", "referrals", file, ...options);
}
async function json(text: string, ...options: string[]) {
  const { code, stdout, stderr } = await importing(text, "--json", ...options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}
const facts = () => readFacts(database, salon);

const profiles = `\uFEFFactivated_as_referrer,square_customer_id,referral_code,activated_at\r
TRUE,ana,"ANA, 10%",2026-03-02T18:00:00Z\r
\r
false, bea ,,\r
`;
const rewards = `reward_id,referrer_customer_id,referred_customer_id,status,reward_cents
r1,ana,bea,PAID,9007199254740993
r2,ana,cleo,VOID,0
`;

test("profiles and rewards are stored with their customers' rows; the same file again changes nothing; a dry run stores nothing", async () => {
  const counts = { kind: "profiles", lines: 2, created: 2, changed: 0, unchanged: 0, customers: 2 };
  expect(await json(profiles, "--dry-run")).toMatchObject({ stored: false, ...counts });
  expect((await facts()).referral_profiles).toEqual([]);
  expect(await json(profiles)).toMatchObject({ stored: true, ...counts });
  expect(await json(profiles)).toMatchObject({ created: 0, unchanged: 2, customers: 0 });
  const piped = await regularsReading(rewards, env, "import", "referrals", "-");
  expect(piped).toEqual({
    code: 0,
    stderr: "",
    stdout: "2 rewards: 2 new, 0 changed, 0 as before; 1 customers' rows changed.\n",
  });
  expect(await json(rewards.replace("r1,ana", "r1,bea"))).toMatchObject({
    changed: 1,
    unchanged: 1,
    customers: 2,
  });
  const stored = await facts();
  expect(stored.referral_profiles).toMatchObject([
    { square_customer_id: "ana", referral_code: "ANA, 10%", activated_as_referrer: true },
    { square_customer_id: "bea", referral_code: null, activated_at: null },
  ]);
  expect(stored.referral_rewards).toContainEqual(
    expect.objectContaining({
      reward_id: "r1",
      referrer_customer_id: "bea",
      reward_cents: 9007199254740993n,
    }),
  );
  expect(await analyticsDifferences(database, salon, stored, NOW)).toEqual([]);
});

test("each wrong line is named with its number and its reason, and nothing is stored", async () => {
  const answer = await importing(`reward_id,status,referrer_customer_id,referred_customer_id,reward_cents
r1,PAID,ana,bea,100
r2,paid,ana,,100

"r3,PAID,ana,bea,100
r4,PAID,ana,bea
r1,PAID,cleo,bea,1
r5,PAID,ana,bea,1.50
`);
  expect(answer).toEqual({
    code: 1,
    stdout: "",
    stderr: `Line 3: referred_customer_id: is missing; status: is PAID, PENDING or VOID.
Line 5: is no CSV: a quotation mark is not closed, or one stands inside a cell.
Line 6: has 4 columns, and the header has 5.
Line 7: reward_id: line 2 has the same.
Line 8: reward_cents: is a whole number of minor units from 0 to 2^63 - 1.
5 wrong line(s): nothing was stored.
`,
  });
  expect((await facts()).referral_rewards).toEqual([]);
  const again = await importing("square_customer_id,activated_at\nana,yesterday\n", "--json");
  expect([again.code, JSON.parse(again.stdout)]).toEqual([
    1,
    {
      stored: false,
      bad_lines: [
        {
          line: 2,
          reason: "activated_at: is a time of RFC 3339 with its zone, such as 2026-03-02T18:00:00Z",
        },
      ],
    },
  ]);
});

test.each<[string | Buffer, string]>([
  ["", "the header has neither square_customer_id nor reward_id"],
  ["id;code\n", "the header has neither square_customer_id nor reward_id"],
  ["reward_id,status\n", "the header lacks referrer_customer_id, referred_customer_id, reward_cents"],
  [
    "square_customer_id,referral_code,referral_code\n",
    "column 3 is unknown or comes twice: profiles have the columns referral_code, used_referral_code, " +
      "activated_as_referrer, activated_at, square_customer_id",
  ],
  [Buffer.from([0xff, 0xfe]), "is not UTF-8"],
])("a file that begins with %j is refused: %s", (text, reason) => {
  expect(readReferralFile(Buffer.from(text))).toEqual({
    referrals: undefined,
    badLines: [{ line: 1, reason }],
  });
});

test("a run that was cut off is continued by the same command", async () => {
  const lines = Array.from({ length: 150 }, (_, number) => `customer ${number}`);
  const text = ["square_customer_id", ...lines].join("\n");
  const { referrals } = readReferralFile(Buffer.from(text));
  const first = await importReferrals(
    database.pool,
    salon,
    referrals ?? expect.fail(),
    () => NOW,
    false,
  ).next();
  expect(first.value).toMatchObject({ done: 100, created: 100 });
  expect(await json(text)).toMatchObject({ lines: 150, created: 50, unchanged: 100, customers: 50 });
});
