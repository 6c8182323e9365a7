import { expect, test } from "vitest";
import { expectToHold } from "../runner/short-form.js";
import { hostileRequests } from "./hostile-requests.js";

test("whatever is sent is answered, and never with a failure of ours; nothing is stored without its signature", async () => {
  const { counts, figures } = await expectToHold(hostileRequests({ atMost: 2_000 }), { rounds: 4 });
  expect(counts.faults).toBe(2_000);
  expect(Number(figures["events stored"])).toBeGreaterThan(300);
  for (const status of [200, 400, 401, 404, 413, 415]) {
    expect(figures, `some were answered ${status}`).toHaveProperty([`answered ${status}`]);
  }
});
