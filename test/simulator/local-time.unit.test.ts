import { expect, test } from "vitest";
import { instantOf, localTime } from "../../src/simulator/local-time.js";
import { isOpen, nextBetween, openingHours, openSlot } from "../../src/simulator/opening-hours.js";

const losAngeles = "America/Los_Angeles";
const at = (text: string) => Date.parse(text);

test("the wall clock is read across both changes of the clocks", () => {
  const minuteAt = (text: string) => localTime(losAngeles, at(text)).minute;
  expect(minuteAt("2026-03-08T09:59:00Z")).toBe(119);
  expect(minuteAt("2026-03-08T10:00:00Z")).toBe(180);
  expect(minuteAt("2026-11-01T08:59:00Z")).toBe(119);
  expect(minuteAt("2026-11-01T09:00:00Z")).toBe(60);
});

test("an evening in Los Angeles is still the same local day", () => {
  const evening = localTime(losAngeles, at("2026-01-06T02:30:00Z"));
  expect(new Date(evening.date).toISOString()).toBe("2026-01-05T00:00:00.000Z");
  expect(evening).toMatchObject({ weekday: 1, minute: 18 * 60 + 30 });
});

test("a local time becomes the right instant before and after a change of the clocks", () => {
  const noon = (date: string) => new Date(instantOf(losAngeles, at(date), 12 * 60)).toISOString();
  expect(noon("2026-03-07")).toBe("2026-03-07T20:00:00.000Z");
  expect(noon("2026-03-08")).toBe("2026-03-08T19:00:00.000Z");
  expect(noon("2026-11-01")).toBe("2026-11-01T20:00:00.000Z");
});

test("a slot on a closed day moves to the next open one", () => {
  const hours = openingHours[1] ?? [];
  const place = { hours, timeZone: "America/Denver" };
  const monday = at("2026-06-01T18:00:00Z");
  const slot = openSlot(place, { instant: monday, wished: 18 * 60, minutes: 120, notBefore: monday });
  // Tuesday closes at 19:00, so a visit of two hours begins at 17:00 (UTC-6).
  expect(new Date(slot).toISOString()).toBe("2026-06-02T23:00:00.000Z");
  expect(isOpen(hours, "America/Denver", slot, 120)).toBe(true);
  expect(isOpen(hours, "America/Denver", slot, 135)).toBe(false);
});

test("a waking hour is waited for, if need be until tomorrow", () => {
  const next = (text: string) => new Date(nextBetween(losAngeles, at(text), [540, 1140])).toISOString();
  expect(next("2026-06-01T10:00:00Z")).toBe("2026-06-01T16:00:00.000Z");
  expect(next("2026-06-01T20:00:00Z")).toBe("2026-06-01T20:00:00.000Z");
  expect(next("2026-06-02T02:30:00Z")).toBe("2026-06-02T16:00:00.000Z");
});
