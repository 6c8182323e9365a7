import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { handledEventTypes, handlerFor } from "../../handlers/registry.js";
import type { Fact } from "../../src/facts/types.js";
import { readEnvelope, type SquareEvent } from "../../src/square/envelope.js";
import { readJson } from "../../src/square/read-json.js";
import { writeJson } from "../../src/square/write-json.js";

const FOLDER = new URL("../../fixtures/events/", import.meta.url);
/** Written from Square's documentation and the columns' definitions, never copied from the program's output. */
const FACTS = new URL("../../fixtures/facts/", import.meta.url);

/** What a fixture means: facts (the columns that matter there), nothing because ignored, or a refusal. */
type Expectation = readonly object[] | "ignored" | { readonly refused: string };

const namesIn = (folder: URL) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.replace(/\.json$/, ""))
    .sort();
const fixtures = namesIn(FOLDER);

const read = (fixture: string, folder = FOLDER) => readJson(readFileSync(new URL(`${fixture}.json`, folder)));
const expectationOf = (fixture: string) => read(fixture, FACTS) as Expectation;
const understood = fixtures.filter((fixture) => Array.isArray(expectationOf(fixture)));

/** An event's way from bytes to facts; undefined when nothing handles its type. */
function interpret(fixture: string): readonly Fact[] | undefined {
  const event = readEnvelope(read(fixture));
  return handlerFor(event.type)?.interpret(event);
}

function orderKeyOf(fixture: string): string | undefined {
  const value = interpret(fixture)?.[0]?.value;
  return value && "order_key" in value ? value.order_key : undefined;
}

it("every fixture has its expectation, and every expectation its fixture", () => {
  expect(namesIn(FACTS)).toEqual(fixtures);
});

it("every fixture is listed in the README with its type", () => {
  const readme = readFileSync(new URL("README.md", FOLDER), "utf8");
  for (const fixture of fixtures) {
    const { type } = read(fixture) as { type: string };
    expect(readme).toContain(`| [${fixture}.json](${fixture}.json) | \`${type}\` | `);
  }
});

it("every handled event type has a fixture that is understood", () => {
  const types = understood.map((fixture) => readEnvelope(read(fixture)).type);
  expect([...new Set(types)].sort()).toEqual([...handledEventTypes].sort());
});

it("no two fixtures are the same event", () => {
  const ids = fixtures.map((fixture) => (read(fixture) as { event_id?: string }).event_id).filter(Boolean);
  expect(new Set(ids).size).toBe(ids.length);
});

describe("a fixture means what it should:", () => {
  it.each(fixtures)("%s", (fixture) => {
    const expectation = expectationOf(fixture);
    if (expectation === "ignored") {
      expect(interpret(fixture)).toBeUndefined();
    } else if ("refused" in expectation) {
      expect(() => interpret(fixture)).toThrow(new RegExp(expectation.refused));
    } else {
      const facts = interpret(fixture)?.map(({ kind, value }) => ({ [kind]: value }));
      expect(facts).toHaveLength(expectation.length);
      expect(readJson(Buffer.from(writeJson(facts ?? [])))).toMatchObject(expectation);
    }
  });
});

describe("of the fixtures of one object, the later one stands:", () => {
  it.each([
    ["01-booking-created", "02-booking-updated-rescheduled", "03-booking-updated-cancelled-by-customer"],
    ["04-booking-created-pending", "05-booking-updated-accepted", "06-booking-updated-no-show"],
    ["11-booking-created-without-customer", "12-booking-updated-moved-to-other-customer"],
    ["15-payment-created-approved", "16-payment-updated-tip-edited", "17-payment-updated-completed"],
    ["17-payment-updated-completed", "18-payment-updated-refunded"],
    ["26-refund-created-pending", "27-refund-updated-completed"],
    ["31-customer-created", "32-customer-updated-cleared", "41-customer-updated-merge"],
    ["34-customer-deleted", "35-customer-updated-deletion-recovery"],
    ["39-customer-deleted-merged-dora", "40-customer-created-unmerge-recovery"],
    ["43-team-member-created", "44-team-member-updated-inactive"],
  ])("%s, %s", (...story) => {
    const keys = story.map(orderKeyOf);
    expect(keys).toEqual([...keys].sort());
    expect(new Set(keys).size).toBe(story.length);
  });
});

describe("what a handler says depends on the event alone:", () => {
  it.each(understood)("%s", (fixture) => {
    const event: SquareEvent = readEnvelope(read(fixture));
    const before = structuredClone(event);
    expect(handlerFor(event.type)?.interpret(event)).toEqual(handlerFor(event.type)?.interpret(before));
    expect(event).toEqual(before);
  });
});
