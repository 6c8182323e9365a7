import { expect, test } from "vitest";
import { addSalon, openInbox } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { customerEvent, paymentEvent, received, squareEvent } from "../support/events.js";

// Embedded only: on a Postgres server it would be the memory of every other database too.
const database = await openTestDatabase();

test("an event that needs more locks than the database has is deferred alone", async () => {
  await addSalon(database);
  const inbox = openInbox(database);
  await inbox.receive(received(squareEvent("warming.up", {})));
  const from = Array.from({ length: 30_000 }, (_, index) => `customer-${index}`);
  const events = [
    squareEvent("first.of.all", {}),
    paymentEvent({ id: "before" }),
    customerEvent("customer.created", { id: "everybody" }, { from, to: "everybody" }),
    paymentEvent({ id: "after" }),
  ];
  const outcomes = await Promise.all(events.map((event) => inbox.receive(received(event))));
  expect(outcomes).toEqual(["ignored", "processed", "deferred", "processed"]);
});
