import { describe, expect, it } from "vitest";
import { factsOfProfile } from "../../handlers/customer.js";
import { handledEventTypes, handlerFor } from "../../handlers/registry.js";
import type { Fact, Merge } from "../../src/facts/types.js";
import { readEnvelope } from "../../src/square/envelope.js";
import { InvalidPayload } from "../../src/square/schemas/fields.js";
import type { JsonValue } from "../../src/square/types.js";

const AT = "2026-03-10T12:00:00.000000Z";

function interpret(type: string, data: JsonValue, envelope: Record<string, JsonValue> = {}): readonly Fact[] {
  const event = readEnvelope({ merchant_id: "M", type, event_id: "E", created_at: AT, data, ...envelope });
  const handler = handlerFor(type);
  if (!handler) throw new Error(`No handler for ${type}`);
  return handler.interpret(event);
}

const valuesOf = (facts: readonly Fact[], kind: Fact["kind"]) =>
  facts.filter((fact) => fact.kind === kind).map((fact) => fact.value);

describe("the registry", () => {
  it("knows each event type once", () => {
    expect(new Set(handledEventTypes).size).toBe(handledEventTypes.length);
    for (const eventType of handledEventTypes) {
      expect(handlerFor(eventType)?.eventTypes).toContain(eventType);
    }
  });

  it.each(["", "booking", "booking.deleted", "BOOKING.CREATED", "constructor", "__proto__"])(
    "has no handler for %j",
    (eventType) => {
      expect(handlerFor(eventType)).toBeUndefined();
    },
  );
});

describe("an event is understood by its type alone", () => {
  it("whatever data.type says", () => {
    const facts = interpret("customer.updated", {
      type: "payment",
      object: { customer: { id: "A", version: 1 } },
    });
    expect(facts.map((fact) => fact.kind)).toEqual(["customer"]);
  });

  it("and its object by its own id, whatever data.id says", () => {
    const [fact] = interpret("customer.updated", { id: "B", object: { customer: { id: "A", version: 1 } } });
    expect(fact?.value).toMatchObject({ square_customer_id: "A" });
  });
});

describe("a merge", () => {
  const merge = { from_customer_ids: ["A", "B", "A", "C"], to_customer_id: "C" };

  it("happened when the survivor was made by it, and at an unknown time when the survivor was only updated", () => {
    const customer = { id: "C", version: 0, created_at: AT };
    const timesOf = (type: string) =>
      valuesOf(interpret(type, { object: { customer, event_context: { merge } } }), "merge").map(
        (value) => (value as Merge).merged_at,
      );
    expect([timesOf("customer.created"), timesOf("customer.updated")]).toEqual([
      [AT, AT],
      [null, null],
    ]);
  });

  it("is one fact for each source, without repetition and without the survivor itself", () => {
    const customer = { id: "C", version: 0, created_at: AT };
    const facts = interpret("customer.created", { object: { customer, event_context: { merge } } });
    const evidence = {
      to_customer_id: "C",
      source_version: null,
      merged_at: AT,
      ended_at: null,
      announced_at: AT,
    };
    expect(valuesOf(facts, "merge")).toEqual([
      { from_customer_id: "A", ...evidence },
      { from_customer_id: "B", ...evidence },
    ]);
  });

  it("is known even when the deleted profile is missing, but not at which version", () => {
    const facts = interpret("customer.deleted", { id: "A", object: { event_context: { merge } } });
    expect(valuesOf(facts, "customer")).toMatchObject([{ square_customer_id: "A", deleted_at: AT }]);
    expect(valuesOf(facts, "merge")).toMatchObject([{ source_version: null }, { source_version: null }]);
  });

  it("told by a customer who is not the survivor does not know when", () => {
    const customer = { id: "A", version: 0, created_at: AT };
    const facts = interpret("customer.created", { object: { customer, event_context: { merge } } });
    expect(valuesOf(facts, "merge")).toMatchObject([{ merged_at: null }, { merged_at: null }]);
  });

  it("of nobody is no merge, and a broken one is refused", () => {
    const event = (context: JsonValue) => ({ object: { customer: { id: "C" }, event_context: context } });
    const nobody = { merge: { from_customer_ids: [], to_customer_id: "C" } };
    expect(valuesOf(interpret("customer.created", event(nobody)), "merge")).toEqual([]);
    expect(() => interpret("customer.created", event({ merge: { to_customer_id: "C" } }))).toThrow(
      InvalidPayload,
    );
  });

  it("does not make its sources' profiles come back", () => {
    const customer = { id: "A", version: 3, creation_source: "UNMERGE_RECOVERY" };
    const facts = interpret("customer.deleted", { object: { customer, event_context: { merge } } });
    expect(valuesOf(facts, "recovery")).toEqual([]);
  });
});

describe("a deletion", () => {
  const deleted = (customer: JsonValue, created_at: JsonValue = AT) =>
    valuesOf(
      interpret("customer.deleted", { id: "A", object: { customer } }, { created_at }),
      "customer",
    )[0] as {
      order_key: string;
    };

  it("told twice ends alike in either order", () => {
    const first = deleted({ id: "A", version: 3 }, "2026-03-10T12:00:00Z");
    const second = deleted({ id: "A", version: 3 }, "2026-03-10T12:00:00.000001Z");
    expect(second.order_key > first.order_key).toBe(true);
  });

  it("of a profile that breaks the schema of live ones still counts", () => {
    expect(deleted({ id: "A", version: 3, given_name: ["broken"] })).toMatchObject({ version: 3n });
  });

  it("of nobody is refused", () => {
    expect(() => interpret("customer.deleted", {})).toThrow(InvalidPayload);
  });
});

describe("a profile brought back out of a merge", () => {
  it("says so on an update, too, at the latest time it knows", () => {
    const profile = { id: "A", version: 4, creation_source: "UNMERGE_RECOVERY" };
    const created_at = "2026-01-01T00:00:00Z";
    const recovery = (customer: Record<string, JsonValue>, envelope: Record<string, JsonValue> = {}) =>
      valuesOf(interpret("customer.updated", { object: { customer } }, envelope), "recovery");
    expect(recovery({ ...profile, created_at, updated_at: AT })).toEqual([
      { square_customer_id: "A", recovered_version: 4n, recovered_at: AT },
    ]);
    expect(recovery({ ...profile, created_at })).toMatchObject([
      { recovered_at: "2026-01-01T00:00:00.000000Z" },
    ]);
    expect(recovery(profile)).toMatchObject([{ recovered_at: AT }]);
    expect(recovery(profile, { created_at: null })).toMatchObject([
      { recovered_at: "1970-01-01T00:00:00.000000Z" },
    ]);
  });

  it("says so from the API, too", () => {
    const profile = { id: "A", version: 4, creation_source: "UNMERGE_RECOVERY" };
    expect(factsOfProfile(profile).map((fact) => fact.kind)).toEqual(["customer", "recovery"]);
    expect(factsOfProfile({ id: "A" })).toHaveLength(1);
  });
});

describe("an event without an object", () => {
  it.each([
    "booking.created",
    "payment.updated",
    "refund.created",
    "customer.created",
    "team_member.updated",
  ])("is refused when its type needs one: %s", (type) => {
    for (const data of [null, {}, { id: "A" }, { id: "A", object: {} }, { id: "A", object: { other: {} } }]) {
      expect(() => interpret(type, data)).toThrow(InvalidPayload);
    }
  });

  it("still names an order or a location, or is refused", () => {
    const order = { kind: "pending_fetch", value: { object_type: "order", object_id: "O" } };
    expect(interpret("order.updated", { id: "O" })).toEqual([order]);
    expect(() => interpret("order.updated", {})).toThrow(InvalidPayload);
    expect(() => interpret("location.updated", {})).toThrow(InvalidPayload);
  });

  it("is refused when its id is too long to be one", () => {
    for (const type of ["order.updated", "location.updated"]) {
      expect(() => interpret(type, { id: "x".repeat(256) })).toThrow(InvalidPayload);
      expect(interpret(type, { id: "x".repeat(255) })).toHaveLength(1);
    }
  });

  it("still says that the catalog changed, or that access is gone", () => {
    expect(interpret("catalog.version.updated", null)).toHaveLength(1);
    expect(interpret("oauth.authorization.revoked", null)).toEqual([
      { kind: "revocation", value: { revoked_at: AT } },
    ]);
  });
});
