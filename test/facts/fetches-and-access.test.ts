import { beforeEach, describe, expect, test } from "vitest";
import { addOrganization } from "../../src/organizations/organizations.js";
import { addSalon, NOW, processInBatches } from "../support/app.js";
import { emptyDatabase, openTestDatabase } from "../support/database.js";
import { type EventJson, MERCHANT, paymentEvent, squareEvent } from "../support/events.js";
import { tablesOf } from "../support/tables.js";

const database = await openTestDatabase();
let salon: string;

beforeEach(async () => {
  await emptyDatabase(database);
  salon = await addSalon(database);
});

const take = (...events: EventJson[]) =>
  processInBatches(
    database,
    salon,
    events.map((event) => [event]),
  );

const tables = () => tablesOf(database, salon);

test("events without an object mark the object for a fetch, once", async () => {
  const location = () => squareEvent("location.updated", { type: "location", id: "pier" });
  const order = { order_updated: { order_id: "order-1", version: 2, state: "OPEN" } };
  const outcomes = await take(
    location(),
    location(),
    squareEvent("catalog.version.updated", { type: "catalog", id: "", object: {} }),
    squareEvent("order.updated", { type: "order", id: "another", object: order }),
  );
  expect(new Set(outcomes)).toEqual(new Set(["processed"]));
  expect((await tables()).pending_fetches?.map((row) => [row.object_type, row.object_id])).toEqual([
    ["catalog", "catalog"],
    ["location", "pier"],
    ["order", "order-1"],
  ]);
});

describe("access that the seller withdrew", () => {
  const revocation = (revoked_at: string) =>
    squareEvent("oauth.authorization.revoked", {
      type: "revocation",
      id: "r",
      object: { revocation: { revoked_at, revoker_type: "MERCHANT" } },
    });
  const status = async () => (await tables()).organizations?.[0]?.status;

  test("is marked as revoked, and events are still processed", async () => {
    expect(await take(revocation("2026-05-31T00:00:00Z"), paymentEvent())).toEqual([
      "processed",
      "processed",
    ]);
    expect(await status()).toBe("revoked");
  });

  test("and gave again is not ended by a late revocation, but by a new one", async () => {
    const accessTokenCiphertext = Buffer.from("sealed");
    await addOrganization(database, { merchantId: MERCHANT, accessTokenCiphertext }, NOW);
    await take(revocation("2026-06-01T11:59:59Z"));
    expect(await status()).toBe("active");
    await take(revocation("2026-06-01T12:00:01Z"));
    expect(await status()).toBe("revoked");
    await addOrganization(
      database,
      { merchantId: MERCHANT, accessTokenCiphertext },
      new Date("2026-06-01T13:00:00Z"),
    );
    expect(await status()).toBe("active");
  });
});
