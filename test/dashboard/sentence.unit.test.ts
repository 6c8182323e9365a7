import { expect, test } from "vitest";
import { type Rhythm, sentenceOf } from "../../src/dashboard/shared/sentence.js";

/** Noon in Los Angeles. */
const NOW = new Date("2026-11-25T20:00:00Z");
const ZONE = "America/Los_Angeles";

const nobody: Rhythm = {
  visit_days: 0,
  first_visit_at: null,
  last_visit_at: null,
  upcoming_bookings: 0,
  next_booking_at: null,
  avg_days_between_visits: null,
  expected_next_visit_at: null,
  is_overdue: false,
  overdue_at: null,
};

const once: Rhythm = { ...nobody, visit_days: 1, last_visit_at: "2026-11-05T20:00:00Z" };

const regular: Rhythm = {
  ...nobody,
  visit_days: 10,
  last_visit_at: "2026-10-12T18:00:00Z",
  avg_days_between_visits: 28,
  expected_next_visit_at: "2026-11-09T18:00:00Z",
  overdue_at: "2026-11-23T18:00:00Z",
  is_overdue: true,
};

const cases: readonly (readonly [string, Partial<Rhythm> & { of: Rhythm }, string])[] = [
  ["who never came", { of: nobody }, "Has never come. Nothing is booked."],
  ["who only buys", { of: nobody, total_payments: 3 }, "Buys, and has never had a visit. Nothing is booked."],
  [
    "whose first visit is to come",
    { of: nobody, upcoming_bookings: 1, next_booking_at: "2026-11-26T20:00:00Z" },
    "Has not come yet. Next booking Nov 26 (tomorrow).",
  ],
  [
    "who came once",
    { of: once },
    "Came once, on Nov 5 (20 days ago). Nothing is booked. One visit tells no rhythm yet.",
  ],
  [
    "who came once and booked",
    { of: once, upcoming_bookings: 3, next_booking_at: "2027-01-02T20:00:00Z" },
    "Came once, on Nov 5 (20 days ago). Next booking Jan 2, 2027 (in 38 days), and 2 more after it.",
  ],
  [
    "who is overdue",
    { of: regular },
    "Comes every 28 days (9 gaps), last visit 44 days ago on Oct 12, nothing booked, " +
      "late since Nov 23 = last visit + 1.5 × 28.",
  ],
  [
    "whose average has a fraction: the sum leads to the day",
    { of: regular, avg_days_between_visits: 28.47, overdue_at: "2026-11-24T10:55:12Z" },
    "Comes every 28 days (9 gaps), last visit 44 days ago on Oct 12, nothing booked, " +
      "late since Nov 24 = last visit + 1.5 × 28.47.",
  ],
  [
    "who has two visits and is overdue without a stored instant",
    { of: regular, visit_days: 2, overdue_at: null },
    "Comes every 28 days (1 gap), last visit 44 days ago on Oct 12, nothing booked, " +
      "late since Nov 23 = last visit + 1.5 × 28.",
  ],
  [
    "who is expected and becomes overdue later",
    {
      of: regular,
      is_overdue: false,
      last_visit_at: "2026-11-24T18:00:00Z",
      avg_days_between_visits: 7.04,
      expected_next_visit_at: "2026-12-01T19:00:00Z",
      overdue_at: "2026-12-05T07:00:00Z",
    },
    "Comes every 7 days (9 gaps), last visit yesterday, nothing booked. Expected Dec 1 (in 6 days). " +
      "Overdue from Dec 4 = last visit + 1.5 × 7.04, unless booked before.",
  ],
  [
    "who comes daily and was here today",
    {
      of: regular,
      is_overdue: false,
      last_visit_at: "2026-11-25T18:00:00Z",
      avg_days_between_visits: 1,
      expected_next_visit_at: null,
      overdue_at: null,
    },
    "Comes every day (9 gaps), last visit today, nothing booked. " +
      "Overdue from Nov 26 = last visit + 1.5 × 1, unless booked before.",
  ],
  [
    "who is late and has booked",
    { of: regular, is_overdue: false, upcoming_bookings: 2, next_booking_at: "2026-11-28T20:00:00Z" },
    "Comes every 28 days (9 gaps), last visit 44 days ago on Oct 12. " +
      "Next booking Nov 28 (in 3 days), and 1 more after it.",
  ],
];

test.each(cases)("the sentence of a customer %s", (_, { of, ...other }, sentence) => {
  expect(sentenceOf({ ...of, ...other }, NOW, ZONE)).toBe(sentence);
});

test("days are those of the zone: late in the evening it is not tomorrow yet", () => {
  const late = { ...once, last_visit_at: "2026-11-26T05:00:00Z" };
  expect(sentenceOf(late, new Date("2026-11-26T06:00:00Z"), ZONE)).toContain("Nov 25 (today)");
  expect(sentenceOf(late, new Date("2026-11-26T06:00:00Z"), "UTC")).toContain("Nov 26 (today)");
});
