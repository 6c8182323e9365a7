import { afterAll, beforeAll, expect, test } from "vitest";
import { parseInstantOption } from "../../src/commands/options.js";

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = "America/Los_Angeles";
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

test.each([
  ["2026-03-08", "2026-03-08T00:00:00.000Z"],
  ["2026-03-08 17:00", "2026-03-08T17:00:00.000Z"],
  ["2026-03-08T17:00:05", "2026-03-08T17:00:05.000Z"],
  ["2026-03-08T17:00:00.25Z", "2026-03-08T17:00:00.250Z"],
  ["2026-03-08 17:00 +02:00", "2026-03-08T15:00:00.000Z"],
  ["2026-03-08T17:00-0800", "2026-03-09T01:00:00.000Z"],
])("the time %s is %s on a machine in any zone", (text, instant) => {
  expect(parseInstantOption(text).toISOString()).toBe(instant);
});

test.each(["2026-02-30", "2026-02-30T10:00Z", "yesterday", "8 March 2026", "2026-03-08T25:00Z", ""])(
  "%j is no time",
  (text) => {
    expect(() => parseInstantOption(text)).toThrow("It must be a time such as");
  },
);
