import { expect, test } from "vitest";
import { simulateSalon } from "../../src/simulator/salon.js";

test("a salon goes on after its end: bookings, moves, missed visits, calls off, refunds and merges, in the order of time", () => {
  const end = Date.parse("2026-06-01T18:00:00Z");
  const start = new Date(end - 400 * 86_400_000);
  const salon = simulateSalon({ seed: "motion", start, end: new Date(end), customers: 120 });
  for (const _ of salon.events());
  const seen = new Set<string>();
  let last = end;
  // Two hours of one thing a minute.
  for (let minute = 1; minute <= 120; minute++) {
    for (const { at, event } of salon.happening(new Date(end + minute * 60_000))) {
      expect(at.getTime()).toBeGreaterThanOrEqual(last);
      last = at.getTime();
      const object = event.data.object as
        | { booking?: { status: string }; event_context?: object }
        | undefined;
      seen
        .add(event.type)
        .add(`${event.type} ${object?.booking?.status ?? (object?.event_context ? "merge" : "")}`);
    }
  }
  expect([...seen]).toEqual(
    expect.arrayContaining([
      "booking.created ACCEPTED",
      "booking.updated ACCEPTED",
      "booking.updated NO_SHOW",
      "booking.updated CANCELLED_BY_CUSTOMER",
      "customer.deleted merge",
      "payment.created",
      "payment.updated",
      "refund.created",
    ]),
  );
});
