import { expect, test } from "vitest";
import { handlerFor } from "../../handlers/registry.js";
import { simulateSalon, turbulence } from "../../src/simulator/salon.js";
import { readEnvelope } from "../../src/square/envelope.js";
import { readJson } from "../../src/square/read-json.js";

const span = { start: new Date("2025-01-01T00:00:00Z"), end: new Date("2025-05-01T00:00:00Z") };

test("handlers read every event, and rank an object's copies in the order in which they were made", () => {
  for (let seed = 0; seed < 25; seed++) {
    const keys = new Map<string, string>();
    for (const { event } of simulateSalon({ ...turbulence, ...span, seed, customers: 6 }).events()) {
      const facts = handlerFor(event.type)?.interpret(
        readEnvelope(readJson(Buffer.from(JSON.stringify(event)))),
      );
      expect(facts?.length).toBeGreaterThan(0);
      for (const { kind, value } of facts ?? []) {
        if (!("order_key" in value)) continue;
        const id = `${kind} ${event.data.id.replace(/:\d+$/, "")}`;
        expect(value.order_key > (keys.get(id) ?? ""), `${id} ${event.type}`).toBe(true);
        keys.set(id, value.order_key);
      }
    }
  }
});
