import { expect, onTestFinished, test } from "vitest";
import { simulateSalon } from "../../src/simulator/salon.js";
import { openForCommands, regularsProcess, regularsReading } from "../support/command-line.js";
import { startFakeSquare } from "../support/fake-square.js";

const { database, env } = await openForCommands();

const TOKEN = "EAAA-token-of-a-command";
const MERCHANT = "MLBACKFILLED";

test("regulars backfill reads everything once, refuses to run twice at a time, and says what it read", async () => {
  const salon = simulateSalon({
    seed: "command",
    merchantId: MERCHANT,
    start: new Date("2026-03-01T00:00:00Z"),
    end: new Date("2026-05-01T00:00:00Z"),
    customers: 4,
  });
  for (const _ of salon.events());
  const square = await startFakeSquare({ merchants: [{ salon, accessToken: TOKEN }] });
  onTestFinished(() => square.close());
  const environment = {
    ...env,
    SQUARE_BASE_URL: square.url,
    TOKEN_ENCRYPTION_KEY: Buffer.alloc(32, 5).toString("base64"),
  };
  const added = await regularsReading(
    TOKEN,
    environment,
    ...["org", "add", "--merchant-id", MERCHANT, "--name", "Salon", "--access-token-stdin"],
  );
  expect(added.code, added.stderr).toBe(0);

  const both = await Promise.all([
    regularsProcess(environment, "backfill", "--json"),
    regularsProcess(environment, "backfill", "--json"),
  ]);
  const [ended, refused] = both.toSorted((a, b) => a.code - b.code);
  expect([ended?.code, refused?.code], both.map(({ stderr }) => stderr).join()).toEqual([0, 1]);
  expect(refused?.stderr).toContain("Another backfill of this organization is running");
  const { pulled, errors, recomputed } = JSON.parse(ended?.stdout ?? "");
  expect(pulled).toMatchObject({
    bookings: salon.truth.bookings.size,
    payments: salon.truth.payments.size,
    refunds: salon.truth.refunds.size,
  });
  expect(errors).toEqual([]);
  const { rows } = await database.pool.query("select count(*)::int as rows from customer_analytics");
  expect(recomputed.written).toBe(rows[0].rows);
  expect(both.map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(TOKEN);
});
