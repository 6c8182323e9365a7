import { describe, expect, it } from "vitest";
import { InvalidEnvelope, readEnvelope } from "../../src/square/envelope.js";

const event = {
  merchant_id: "MERCHANT",
  type: "payment.updated",
  event_id: "76193e8a-db85-53c6-b538-1837519cbc12",
  created_at: "2026-03-08T09:30:00.123456789Z",
  location_id: "LOCATION",
  data: { type: "payment", id: "PAYMENT", object: { payment: { id: "PAYMENT" } } },
};

describe("an event", () => {
  it("is read with its whole payload, unknown keys included", () => {
    const json = { ...event, future_key: [1] };
    expect(readEnvelope(json)).toEqual({
      merchant_id: "MERCHANT",
      type: "payment.updated",
      event_id: "76193e8a-db85-53c6-b538-1837519cbc12",
      created_at: "2026-03-08T09:30:00.123456Z",
      location_id: "LOCATION",
      data: { type: "payment", id: "PAYMENT", deleted: false, object: { payment: { id: "PAYMENT" } } },
      payload: json,
    });
    expect(readEnvelope(json).payload).toBe(json);
  });

  it("needs no data, and strange data is left to its handler", () => {
    const nothing = { type: null, id: null, deleted: false, object: null };
    expect(readEnvelope({ merchant_id: "M", type: "new.type", event_id: "E" }).data).toEqual(nothing);
    expect(readEnvelope({ ...event, data: "text" }).data).toEqual(nothing);
    expect(readEnvelope({ ...event, data: { type: 1, id: "", deleted: "yes", object: [] } }).data).toEqual(
      nothing,
    );
  });

  it.each([undefined, null, 5, "yesterday", "2026-02-30T00:00:00Z"])(
    "whose created_at is %j is taken all the same, for it decides nothing",
    (created_at) => {
      expect(readEnvelope({ ...event, created_at } as never).created_at).toBeNull();
    },
  );

  it("says when its object was deleted", () => {
    expect(readEnvelope({ ...event, data: { deleted: true } }).data.deleted).toBe(true);
  });

  it("takes any event id up to 255 characters", () => {
    expect(readEnvelope({ ...event, event_id: "x".repeat(255) }).event_id).toHaveLength(255);
    expect(() => readEnvelope({ ...event, event_id: "x".repeat(256) })).toThrow(InvalidEnvelope);
  });
});

describe("what is no event is refused", () => {
  it.each([null, [], "text", 5, true])("such as %j", (json) => {
    expect(() => readEnvelope(json)).toThrow(InvalidEnvelope);
  });

  it("with every problem named by its path, and no value", () => {
    const read = () => readEnvelope({ merchant_id: "", event_id: { secret: "a@example.com" } });
    expect(read).toThrow(/event\.merchant_id.*event\.type.*event\.event_id/);
    expect(read).not.toThrow(/example\.com/);
  });
});
