import { describe, expect, it } from "vitest";
import { mode, rounded, roundedInteger } from "./arithmetic.js";
import { PACIFIC } from "./builders.js";
import { localTime, toIso, toMicros } from "./instants.js";

describe("local time", () => {
  it("keeps 23:30 local on its own day in winter and in summer", () => {
    expect(localTime(toMicros("2026-01-15T07:30:00Z"), PACIFIC)).toEqual({
      date: "2026-01-14",
      hour: 23,
      weekday: 3,
    });
    expect(localTime(toMicros("2026-07-15T06:30:00Z"), PACIFIC)).toEqual({
      date: "2026-07-14",
      hour: 23,
      weekday: 2,
    });
  });

  it("shows midnight as hour 0", () => {
    expect(localTime(toMicros("2026-01-15T08:00:00Z"), PACIFIC)).toEqual({
      date: "2026-01-15",
      hour: 0,
      weekday: 4,
    });
  });

  it("jumps from 01:59 to 03:00 on the spring day", () => {
    expect(localTime(toMicros("2026-03-08T09:59:59.999999Z"), PACIFIC)).toMatchObject({
      date: "2026-03-08",
      hour: 1,
    });
    expect(localTime(toMicros("2026-03-08T10:00:00Z"), PACIFIC)).toMatchObject({
      date: "2026-03-08",
      hour: 3,
    });
  });

  it("passes hour 1 twice on the autumn day, which lasts 25 hours", () => {
    expect(localTime(toMicros("2026-11-01T08:30:00Z"), PACIFIC)).toMatchObject({
      date: "2026-11-01",
      hour: 1,
    });
    expect(localTime(toMicros("2026-11-01T09:30:00Z"), PACIFIC)).toMatchObject({
      date: "2026-11-01",
      hour: 1,
    });
    expect(localTime(toMicros("2026-11-02T07:59:59Z"), PACIFIC)).toMatchObject({
      date: "2026-11-01",
      hour: 23,
    });
  });
});

describe("exact numbers", () => {
  it("keeps microseconds through text and back", () => {
    expect(toIso(toMicros("2026-03-08T01:30:00.123456Z"))).toBe("2026-03-08T01:30:00.123456Z");
    expect(toMicros("2026-03-07 17:30:00.5-08")).toBe(toMicros("2026-03-08T01:30:00.500Z"));
    expect(toIso(toMicros("1969-12-31T23:59:59.999999Z"))).toBe("1969-12-31T23:59:59.999999Z");
  });

  it("rounds half away from zero", () => {
    expect(rounded(5n, 1000n, 2)).toBe("0.01");
    expect(rounded(-5n, 1000n, 2)).toBe("-0.01");
    expect(rounded(1n, 3n, 4)).toBe("0.3333");
    expect(rounded(-1n, 300n, 2)).toBe("0.00");
    expect(roundedInteger(-3n, 2n)).toBe(-2n);
  });
});

describe("mode", () => {
  it("on a tie is the value used most recently, then the smallest", () => {
    expect(
      mode([
        { value: "b", at: 1n },
        { value: "a", at: 2n },
      ]),
    ).toBe("a");
    expect(
      mode([
        { value: "b", at: 2n },
        { value: "a", at: 1n },
      ]),
    ).toBe("b");
    expect(
      mode([
        { value: "b", at: 1n },
        { value: "a", at: 1n },
      ]),
    ).toBe("a");
    expect(
      mode([
        { value: null, at: 9n },
        { value: null, at: 9n },
        { value: 7, at: 1n },
      ]),
    ).toBe(7);
  });
});
