import { beforeEach, expect, test } from "vitest";
import { handlerFor } from "../../../handlers/registry.js";
import type { FindHandler } from "../../../src/inbox/received-event.js";
import { addSalon, openInbox, TestClock } from "../../support/app.js";
import { emptyDatabase, openTestDatabase } from "../../support/database.js";
import { paymentEvent, received } from "../../support/events.js";
import { storedEvents } from "../../support/tables.js";

const database = await openTestDatabase();
const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

beforeEach(async () => {
  await emptyDatabase(database);
  await addSalon(database);
});

function openMendable() {
  const clock = new TestClock();
  const state = { broken: true };
  const findHandler: FindHandler = (type) => {
    const handler = handlerFor(type);
    if (!handler) return undefined;
    const interpret: typeof handler.interpret = (event) => {
      if (state.broken) throw new TypeError("not yet");
      return handler.interpret(event);
    };
    return { ...handler, interpret };
  };
  return { clock, state, inbox: openInbox(database, { clock: clock.read, findHandler }) };
}

test("an event that was deferred while the clock was a year ahead is retried when the clock is right again", async () => {
  const { clock, state, inbox } = openMendable();
  clock.advance(YEAR_MS);
  expect(await inbox.receive(received(paymentEvent()))).toBe("deferred");
  clock.advance(-YEAR_MS);
  state.broken = false;
  expect(await inbox.retryDue()).toBe(1);
  expect(await storedEvents(database)).toMatchObject([{ status: "processed", attempts: 2 }]);
});

test("an event is not retried before its longest wait is over", async () => {
  const { clock, inbox } = openMendable();
  await inbox.receive(received(paymentEvent()));
  for (let attempt = 2; attempt <= 7; attempt++) {
    clock.advance(120 * MINUTE_MS);
    expect(await inbox.retryDue()).toBe(1);
  }
  clock.advance(60 * MINUTE_MS);
  expect(await inbox.retryDue()).toBe(0);
  expect(await storedEvents(database)).toMatchObject([{ status: "deferred", attempts: 7 }]);
});

test("a clock that is set back an hour delays a retry by an hour and no more", async () => {
  const { clock, state, inbox } = openMendable();
  await inbox.receive(received(paymentEvent()));
  clock.advance(-60 * MINUTE_MS);
  state.broken = false;
  expect(await inbox.retryDue()).toBe(0);
  clock.advance(61 * MINUTE_MS);
  expect(await inbox.retryDue()).toBe(1);
});
