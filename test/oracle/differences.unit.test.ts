import { describe, expect, it } from "vitest";
import { explainDifferences, explainTableDifferences } from "./differences.js";

describe("comparing", () => {
  it("accepts other representations and names every real difference", () => {
    const expected = {
      tip_rate: "0.2000",
      last_visit_at: "2026-02-10T20:00:00.000000Z",
      next_booking_at: "2026-02-10T20:00:00.000001Z",
      total_visits: 2,
      total_revenue_cents: 500n,
      booking_notes: [{ a: 1, b: null }],
      birthday: null,
    };
    const same = {
      tip_rate: 0.2,
      last_visit_at: new Date("2026-02-10T20:00:00Z"),
      next_booking_at: "2026-02-10 20:00:00.000001+00",
      total_visits: 2n,
      total_revenue_cents: 500,
      booking_notes: [{ b: null, a: 1 }],
      birthday: null,
    };
    expect(explainDifferences(expected, same)).toEqual([]);
    expect(explainDifferences(expected, { ...same, total_visits: 3, birthday: "1990-01-01" })).toEqual([
      "total_visits: expected 2, actual 3",
      'birthday: expected null, actual "1990-01-01"',
    ]);
    expect(
      explainDifferences({ last_visit_at: "2026-02-10T20:00:00.000001Z" }, { last_visit_at: null }),
    ).toHaveLength(1);
    // Instants are compared to the microsecond.
    const due = "2026-02-10T20:00:00.000001Z";
    expect(
      explainDifferences({ refresh_due_at: due }, { refresh_due_at: "2026-02-10 20:00:00+00" }),
    ).toHaveLength(1);
    expect(explainDifferences({ total_visits: 0 }, {})).toEqual([
      "total_visits: expected 0, actual no such column",
    ]);
  });

  it("names missing, surplus and duplicate rows of a table", () => {
    const row = (id: string) => ({ id, n: 1 });
    expect(explainTableDifferences([row("a"), row("b")], [row("b"), row("b"), row("c")], ["id"])).toEqual([
      "b: duplicate row",
      "c: row not expected",
      "a: row missing",
    ]);
  });
});
