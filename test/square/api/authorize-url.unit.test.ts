import { expect, test } from "vitest";
import { authorizeUrl } from "../../../src/square/api/oauth.js";

const application = {
  id: "sq0idp-1",
  secret: "sq0csp-1",
  redirectUrl: "https://regulars.example/connect/square/callback",
};

test("production always shows Square's sign-in, and the sandbox, which refuses that, is not asked for it", () => {
  const asked = (environment: "production" | "sandbox") =>
    new URL(authorizeUrl({ ...application, environment }, "state-1")).searchParams;
  expect(asked("production").get("session")).toBe("false");
  expect(asked("sandbox").has("session")).toBe(false);
  expect(asked("production").get("state")).toBe("state-1");
});
