import { describe, expect, it } from "vitest";
import { instantMicros, parseInstant, toInstant } from "../../src/square/timestamp.js";
import type { Instant } from "../../src/square/types.js";

describe("a timestamp", () => {
  it.each([
    ["2020-12-08T19:56:53Z", "2020-12-08T19:56:53.000000Z"],
    ["2022-08-21T21:45:31.32Z", "2022-08-21T21:45:31.320000Z"],
    ["2020-11-22T21:19:00.831Z", "2020-11-22T21:19:00.831000Z"],
    ["2022-04-26T10:08:40.454726Z", "2022-04-26T10:08:40.454726Z"],
    ["2019-10-29t17:26:16.5z", "2019-10-29T17:26:16.500000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"],
    ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"],
    ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000Z"],
    ["2000-02-29T12:00:00Z", "2000-02-29T12:00:00.000000Z"],
  ])("with 0 to 9 fraction digits becomes microseconds: %s", (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  it("with nine digits is truncated, never rounded up", () => {
    expect(parseInstant("2019-10-29T17:26:16.808603999Z")).toBe("2019-10-29T17:26:16.808603Z");
  });

  it("without a zone is UTC, whatever the machine's zone", () => {
    expect(parseInstant("2022-04-26T10:08:40.454726")).toBe("2022-04-26T10:08:40.454726Z");
    expect(parseInstant("2022-04-26T10:08:40")).toBe("2022-04-26T10:08:40.000000Z");
  });

  it.each([
    ["2026-03-08T01:30:00.123456-08:00", "2026-03-08T09:30:00.123456Z"],
    ["2026-01-01T00:15:00+05:45", "2025-12-31T18:30:00.000000Z"],
    ["2024-02-28T23:00:00.5-02:00", "2024-02-29T01:00:00.500000Z"],
    ["0050-06-01T12:00:00+01:00", "0050-06-01T11:00:00.000000Z"],
    ["2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00.000000Z"],
  ])("with an offset is moved to UTC: %s", (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  it.each([
    "",
    "yesterday",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00.1234567890Z",
    "2026-01-01T00:00Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "12026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
    " 2026-01-01T00:00:00Z",
    "２０２６-01-01T00:00:00Z",
  ])("that names no real time is refused: %j", (text) => {
    expect(parseInstant(text)).toBeNull();
  });
});

describe("microseconds", () => {
  it.each([
    ["1970-01-01T00:00:00.000000Z", 0n],
    ["1970-01-01T00:00:00.000001Z", 1n],
    ["1969-12-31T23:59:59.999999Z", -1n],
    ["2020-11-22T21:19:00.831042Z", 1606079940831042n],
    ["9999-12-31T23:59:59.999999Z", 253402300799999999n],
  ])("of %s are counted from 1970", (instant, expected) => {
    expect(instantMicros(instant as Instant)).toBe(expected);
  });
});

it("the clock's time is an instant, too", () => {
  expect(toInstant(new Date("2026-03-08T09:30:00.123Z"))).toBe("2026-03-08T09:30:00.123000Z");
  expect(() => toInstant(new Date(Number.NaN))).toThrow(RangeError);
  expect(() => toInstant(new Date(8.64e15))).toThrow(RangeError);
});
