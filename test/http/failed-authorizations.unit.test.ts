import { expect, test } from "vitest";
import { FailedAuthorizations } from "../../src/http/failed-authorizations.js";

function open() {
  const clock = { now: 0 };
  const failures = new FailedAuthorizations(() => clock.now);
  const notes = (address: string, times: number) =>
    Array.from({ length: times }, () => failures.note(address));
  return { clock, failures, notes };
}

test("the twenty-first failure within a minute is to wait for the rest of that minute, and then all is forgotten", () => {
  const { clock, notes } = open();
  expect(notes("192.0.2.1", 20)).toEqual(Array(20).fill(undefined));
  clock.now = 45_500;
  expect(notes("192.0.2.1", 2)).toEqual([15, 15]);
  clock.now = 60_000;
  expect(notes("192.0.2.1", 21)).toEqual([...Array(20).fill(undefined), 60]);
});

test("a client is an IPv4 address, however it is written, or a whole /64 of IPv6", () => {
  const { failures, notes } = open();
  notes("::ffff:192.0.2.1", 20);
  expect(failures.note("192.0.2.1")).toBe(60);
  for (let host = 0; host < 20; host++) notes(`2001:db8:0:1:${host}::5`, 1);
  expect(failures.note("2001:db8:0:1::77")).toBe(60);
  expect(failures.note("2001:db8::1:0:0:77")).toBeUndefined();
  expect(failures.note("2001:db8:0:2::77")).toBeUndefined();
  notes("2001:db8::1", 20);
  expect(failures.note("2001:db8:0:0:9::")).toBe(60);
  notes("::1", 20);
  expect(failures.note("::1")).toBe(60);
});

test("memory stays bounded: of more than ten thousand clients the oldest are forgotten, and all when they are over", () => {
  const { clock, failures, notes } = open();
  for (let client = 0; client < 25_000; client++)
    failures.note(`10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`);
  expect(failures.size).toBeLessThanOrEqual(10_000);
  expect(notes("10.0.97.167", 20).at(-1), "the youngest is still known").toBe(60);
  clock.now = 60_000;
  failures.note("192.0.2.1");
  expect(failures.size).toBe(1);
});
