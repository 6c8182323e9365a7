/**
 * Signature key and notification URL for simulated deliveries, used when the environment sets none. The key is
 * public, so never configure a server for a real merchant with it.
 */
export const DEMO_SIGNATURE_KEY = "regulars-demo-signature-key";
export const DEMO_NOTIFICATION_URL = "http://127.0.0.1:3000/webhooks/square";
/** The application at the simulated Square. Sellers connect to it, and webhook subscriptions belong to it. */
export const DEMO_APPLICATION = {
  id: "sq0idp-simulated",
  secret: "sq0csp-simulated",
  accessToken: "simulated-application-token",
};
/** Opens a simulated salon's API. */
export const DEMO_ACCESS_TOKEN = "simulated-access-token";
export const DEMO_MERCHANT_ID = "MLREGULARSDEM";
