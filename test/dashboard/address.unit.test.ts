import { describe, expect, test } from "vitest";
import { openNames, withOpen } from "../../src/dashboard/shared/open-names.js";
import { periodOf, relative } from "../../src/dashboard/shared/period.js";

const TODAY = "2026-06-01";
const at = (query: string, today = TODAY) => periodOf(new URLSearchParams(query), today);

describe("the period of an address", () => {
  test("is the last 30 days when it names none", () => {
    expect(at("")).toEqual({ from: "2026-05-03", to: TODAY, name: "30", isByHand: false });
    expect(at("period=nonsense")).toEqual(at(""));
    expect(at("from=2026-05-01")).toEqual(at(""));
  });

  test.each([
    ["a word", "from=abc&to=def"],
    ["a day that no calendar has", "from=2026-02-30&to=2026-03-02"],
    ["an end before the begin", "from=2026-05-20&to=2026-05-01"],
    ["a year that is half typed", "from=0002-05-01&to=2026-05-20"],
  ])("is the last 30 days when it names %s", (_, query) => {
    expect(at(query)).toEqual(at(""));
  });

  test("is a named one when it is as long and ends today, and the same days without a name tomorrow", () => {
    const week = { from: "2026-05-26", to: TODAY };
    expect(at("from=2026-05-26&to=2026-06-01")).toEqual({ ...week, name: "7", isByHand: false });
    expect(at("from=2026-05-26&to=2026-06-01", "2026-06-02")).toEqual({
      ...week,
      name: undefined,
      isByHand: false,
    });
    expect(at("from=2026-06-01&to=2026-06-01").name).toBe("today");
  });

  test("has no name when it was entered by hand or is of another length", () => {
    expect(at("period=custom&from=2026-05-26&to=2026-06-01")).toMatchObject({
      name: undefined,
      isByHand: true,
    });
    expect(at("from=2026-05-20&to=2026-06-01")).toMatchObject({ name: undefined, isByHand: true });
    expect(at("period=custom")).toMatchObject({ from: "2026-05-03", name: undefined, isByHand: true });
  });
});

test("an address that shows something without naming its days becomes days, and the plain one does not", () => {
  const days = (query: string) => relative(new URLSearchParams(query), TODAY);
  expect(days("period=7")).toEqual({ from: "2026-05-26", to: TODAY });
  expect(days("period=today")).toEqual({ from: TODAY, to: TODAY });
  for (const query of ["explain=kpi%2Fnew_customers", "location=L1", "period=custom", "from=abc&to=def"])
    expect(days(query), query).toEqual({ from: "2026-05-03", to: TODAY });
  for (const query of ["", "organization=o", "period=7&from=2026-01-01&to=2026-01-02"])
    expect(days(query), query).toBeUndefined();
});

test("what is open lies in the address by name, each once, and nothing when all is folded", () => {
  expect(openNames(new URLSearchParams("open=a,,b"))).toEqual(["a", "b"]);
  expect(withOpen([], "a", true)).toBe("a");
  expect(withOpen(["a", "b"], "a", true)).toBe("b,a");
  expect(withOpen(["a", "b"], "b", false)).toBe("a");
  expect(withOpen(["a"], "a", false)).toBeUndefined();
});
