import { expect, onTestFinished, test } from "vitest";
import { startServer } from "../../src/commands/serve.js";
import { loadConfig } from "../../src/config.js";
import { simulateSalon } from "../../src/simulator/salon.js";
import { openTestLog } from "../support/app.js";
import { openForCommands, regulars, regularsReading } from "../support/command-line.js";
import { emptyDataDir, migratedDataDir } from "../support/database.js";
import { startFakeSquare } from "../support/fake-square.js";

const { database, env } = await openForCommands();

const TOKEN_ENCRYPTION_KEY = Buffer.alloc(32, 3).toString("base64");
const TOKEN = "EAAA-secret-token";

async function openSquare(merchantId: string) {
  const salon = simulateSalon({
    seed: merchantId,
    merchantId,
    start: new Date("2026-05-01T00:00:00Z"),
    end: new Date("2026-05-20T00:00:00Z"),
    customers: 3,
    currency: "CAD",
  });
  const square = await startFakeSquare({ merchants: [{ salon, accessToken: TOKEN }] });
  onTestFinished(() => square.close());
  return { salon, square };
}

test("SQUARE_ACCESS_TOKEN makes the single organization, with name, currency, zone and locations as Square has them", async () => {
  const { salon, square } = await openSquare("MLSINGLE");
  const { log, logLines } = openTestLog();
  const config = loadConfig(
    {
      DATA_DIR: await migratedDataDir(),
      PORT: "0",
      SQUARE_WEBHOOK_SIGNATURE_KEY: "key",
      SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example/webhooks/square",
      SQUARE_MERCHANT_ID: "MLSINGLE",
      SQUARE_ACCESS_TOKEN: TOKEN,
      SQUARE_BASE_URL: square.url,
      TOKEN_ENCRYPTION_KEY,
      RECONCILE_SCHEDULE: "off",
    },
    { require: "serve" },
  );
  const start = () => startServer(config, log);
  const server = await start();
  await server.introduced;
  const organization = await server.database.prisma.organization.findFirstOrThrow();
  const locations = await server.database.prisma.location.findMany();
  await server.stop();
  const main = salon.locations.find(({ id }) => id === salon.truth.merchant.main_location_id);
  expect(organization).toMatchObject({
    squareMerchantId: "MLSINGLE",
    name: salon.truth.merchant.business_name,
    currency: "CAD",
    timeZone: main?.timezone,
  });
  expect(locations.map(({ name }) => name).sort()).toEqual(salon.locations.map(({ name }) => name).sort());
  const stored = Buffer.from(organization.accessTokenCiphertext ?? []);
  expect(stored.includes(TOKEN)).toBe(false);
  expect(logLines.join("")).not.toContain(TOKEN);

  const before = square.requests.length;
  const again = await start();
  await again.introduced;
  await again.stop();
  expect(square.requests.length, "a restart with the same token asks nothing").toBe(before);
});

test("a Square that does not answer keeps no server from starting", async () => {
  const { square } = await openSquare("MLSILENT");
  square.fail({ kind: "html" }, { times: 100 });
  const config = loadConfig(
    {
      DATA_DIR: await migratedDataDir(),
      PORT: "0",
      SQUARE_WEBHOOK_SIGNATURE_KEY: "key",
      SQUARE_WEBHOOK_NOTIFICATION_URL: "https://regulars.example/webhooks/square",
      SQUARE_MERCHANT_ID: "MLSILENT",
      SQUARE_ACCESS_TOKEN: TOKEN,
      SQUARE_BASE_URL: square.url,
      TOKEN_ENCRYPTION_KEY,
      RECONCILE_SCHEDULE: "off",
      LOG_LEVEL: "warn",
    },
    { require: "serve" },
  );
  const { log, logLines } = openTestLog();
  const server = await startServer(config, log);
  const alive = await fetch(`${server.address}/readyz`);
  expect(alive.status, "it takes webhooks while Square is still being asked").toBe(200);
  await server.introduced;
  await server.stop();
  expect(logLines.map((line) => JSON.parse(line).msg)).toContain("organization profile not read from Square");
});

test("org add with a token takes from Square what it was not told, and prints the id alone", async () => {
  const { salon, square } = await openSquare("MLADDED");
  const environment = { ...env, SQUARE_BASE_URL: square.url, TOKEN_ENCRYPTION_KEY };
  const add = await regularsReading(
    `${TOKEN}\n`,
    environment,
    ...["org", "add", "--merchant-id", "MLADDED", "--name", "My Salon", "--access-token-stdin"],
  );
  expect(add.code, add.stderr).toBe(0);
  const organization = await database.prisma.organization.findUniqueOrThrow({
    where: { squareMerchantId: "MLADDED" },
  });
  expect(add.stdout.trim()).toBe(organization.id);
  const main = salon.locations.find(({ id }) => id === salon.truth.merchant.main_location_id);
  expect(organization).toMatchObject({ name: "My Salon", currency: "CAD", timeZone: main?.timezone });
});

test("org add keeps no token of another merchant", async () => {
  const { square } = await openSquare("MLOTHERS");
  const environment = { ...env, SQUARE_BASE_URL: square.url, TOKEN_ENCRYPTION_KEY };
  const add = await regularsReading(
    TOKEN,
    environment,
    ...["org", "add", "--merchant-id", "MLMINE", "--name", "My Salon", "--access-token-stdin"],
  );
  expect(add.code).toBe(1);
  expect(add.stderr).toContain("another merchant");
  const organization = await database.prisma.organization.findUniqueOrThrow({
    where: { squareMerchantId: "MLMINE" },
  });
  expect(organization.accessTokenCiphertext).toBeNull();
});

test("a first command makes the embedded database and brings it up to date", async () => {
  const fresh = { DATA_DIR: await emptyDataDir() };
  const add = await regulars(
    fresh,
    "org",
    "add",
    "--merchant-id",
    "MLFIRST",
    "--name",
    "My Salon",
    "--time-zone",
    "UTC",
  );
  expect(add, add.stderr).toMatchObject({ code: 0 });
  const list = await regulars(fresh, "org", "list", "--json");
  expect(list.stdout).toContain(add.stdout.trim());
});
