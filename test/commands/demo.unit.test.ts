import { expect, test } from "vitest";
import { demoConfig } from "../../src/commands/demo.js";

test("the demo takes no key, token or database of the operator's, only where to listen and keep its folder", () => {
  const operators = {
    DATABASE_URL: "postgresql://operator@db/real",
    ADMIN_API_KEY: "operators-admin-key",
    SQUARE_WEBHOOK_SIGNATURE_KEY: "operators-signature-key",
    SQUARE_WEBHOOK_NOTIFICATION_URL: "https://operator.example/webhooks/square",
    SQUARE_MERCHANT_ID: "MOPERATOR",
    SQUARE_ACCESS_TOKEN: "EAAA-operator",
    TOKEN_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    CRON_SECRET: "operators-cron-secret",
  };
  const listen = { HOST: "127.0.0.2", PORT: "3999", DATA_DIR: "/tmp/somewhere" };
  expect(demoConfig({ ...operators, ...listen })).toEqual(demoConfig(listen));
  expect(demoConfig(listen)).toMatchObject({
    adminApiKey: "demo",
    host: "127.0.0.2",
    port: 3999,
    database: { dataDir: "/tmp/somewhere/demo" },
  });
});
