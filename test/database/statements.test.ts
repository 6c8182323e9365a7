import { beforeEach, expect, test } from "vitest";
import { query } from "../../src/database/query.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";

const database = await openTestDatabase();
beforeEach(() => emptyDatabase(database));

test("int8 is read as bigint, numeric and date as text, timestamptz as an instant", async () => {
  const text = `select 9007199254740993::bigint as money, array[1, null]::bigint[] as amounts, 1.50::numeric as rate,
    '2024-03-10'::date as day, array['2024-03-10'::date] as days, '2024-03-10 10:00Z'::timestamptz as instant`;
  const { rows } = await query(database.pool, { name: "types", text });
  expect(rows).toEqual([
    {
      money: 9007199254740993n,
      amounts: [1n, null],
      rate: "1.50",
      day: "2024-03-10",
      days: ["2024-03-10"],
      instant: new Date("2024-03-10T10:00:00Z"),
    },
  ]);
});

test("Prisma reads its own way over the same pool", async () => {
  await database.prisma.organization.create({
    data: { squareMerchantId: "M1", name: "Salon", timeZone: "America/Los_Angeles" },
  });
  expect(await database.prisma.organization.count()).toBe(1);
  expect(await database.prisma.$queryRaw`select 9007199254740993::bigint as money`).toEqual([
    { money: 9007199254740993n },
  ]);
});
