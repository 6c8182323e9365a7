import { describe, expect, it } from "vitest";
import { readEnvelope } from "../../../src/square/envelope.js";
import { type Answer, clientOf, everyCall, failureOf, inTurn, json, refusal, serverThat } from "./support.js";

const html: Answer = (response) => {
  response.writeHead(200, { "content-type": "text/html" }).end("<html>We will be back soon</html>");
};

/** 200s that say nothing, each of which the SDK alone would take for an empty list, or for data. */
const nonsense: readonly { what: string; answer: Answer }[] = [
  { what: "a page of HTML", answer: html },
  {
    what: "HTML that calls itself JSON",
    answer: json("<html>We will be back soon</html>"),
  },
  {
    what: "JSON that calls itself HTML",
    answer: (response) => void response.writeHead(200, { "content-type": "text/html" }).end("{}"),
  },
  { what: "no media type", answer: (response) => void response.writeHead(200).end("{}") },
  { what: "an empty body", answer: json("") },
  { what: "errors", answer: json({ errors: [{ category: "API_ERROR", code: "INTERNAL_SERVER_ERROR" }] }) },
  { what: "an empty list of errors", answer: json({ errors: [] }) },
  { what: "errors that are no list", answer: json({ errors: "oops" }) },
  { what: "a list instead of an object", answer: json([]) },
  { what: "null", answer: json("null") },
  {
    what: "bytes that are not UTF-8",
    answer: (response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(Buffer.from([0x7b, 0xff, 0x7d]));
    },
  },
  {
    what: "a redirect",
    answer: (response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
  },
  { what: "204", answer: (response) => void response.writeHead(204).end() },
];

describe.each(nonsense)("$what", ({ answer }) => {
  it.each(everyCall)("is no answer to $name", async ({ call }) => {
    const { url } = await serverThat(answer);
    const error = await failureOf(call(clientOf(url)));
    expect(error.code).toBe("square_invalid_response");
  });
});

const lists = everyCall.filter(({ list }) => list) as ((typeof everyCall)[number] & { list: string })[];

describe.each(lists)("a page of $name", ({ call, list, answer }) => {
  it("is refused when it is cut off", async () => {
    const whole = JSON.stringify(answer);
    const { url } = await serverThat(json(whole.slice(0, -2)));
    expect((await failureOf(call(clientOf(url)))).code).toBe("square_invalid_response");
  });

  it.each([
    ["a text", "oops"],
    ["an object", {}],
    ["null", null],
    ["a list of texts", ["oops"]],
    ["a list with a list", [[]]],
  ])("is refused when its list is %s", async (_, value) => {
    const { url } = await serverThat(json({ [list]: value }));
    expect((await failureOf(call(clientOf(url)))).code).toBe("square_invalid_response");
  });

  it("is refused when it carries errors beside the list", async () => {
    const { url } = await serverThat(json({ ...answer, errors: [{ code: "SERVICE_UNAVAILABLE" }] }));
    expect((await failureOf(call(clientOf(url)))).code).toBe("square_invalid_response");
  });

  it("is refused when its cursor is no text", async () => {
    const { url } = await serverThat(json({ ...answer, cursor: 1 }));
    expect((await failureOf(call(clientOf(url)))).code).toBe("square_invalid_response");
  });

  it("is empty when Square leaves out the list, which is how it says so", async () => {
    const { url } = await serverThat(json({}));
    expect(await call(clientOf(url))).toEqual({ objects: [], cursor: null });
  });

  it("is taken with an empty list of errors beside the data, as Square's examples of bookings have it", async () => {
    const { url } = await serverThat(json({ ...answer, cursor: null, errors: [] }));
    expect(await call(clientOf(url))).toEqual({
      objects: (answer as Record<string, unknown>)[list],
      cursor: null,
    });
  });

  it("has the cursor of the next page, and none when it is empty", async () => {
    const { url } = await serverThat(
      inTurn(json({ ...answer, cursor: "next" }), json({ ...answer, cursor: "" })),
    );
    expect(await call(clientOf(url))).toMatchObject({ cursor: "next" });
    expect(await call(clientOf(url))).toMatchObject({ cursor: null });
  });
});

it("a seller without any location is not believed, since payments are read location by location", async () => {
  const { url } = await serverThat(json({}));
  expect((await failureOf(clientOf(url).locations())).code).toBe("square_invalid_response");
});

it("merchant, token and payment are not believed without their object", async () => {
  const { url } = await serverThat(json({}));
  const api = clientOf(url);
  const failures = await Promise.all([api.merchant(), api.tokenStatus(), api.payment("P")].map(failureOf));
  expect(failures.map(({ code }) => code)).toEqual(Array(3).fill("square_invalid_response"));
});

describe("objects are the wire's", () => {
  it("with every integer exact, however large", async () => {
    const text =
      '{"payments":[{"id":"P","amount_money":{"amount":9007199254740993,"currency":"USD"},"fee":-92233720368547758}]}';
    const { url } = await serverThat(json(text));
    const page = await clientOf(url).payments({
      updatedFrom: new Date(0),
      updatedTo: new Date(1),
      locationId: "L",
    });
    expect(page.objects).toEqual([
      { id: "P", amount_money: { amount: 9007199254740993n, currency: "USD" }, fee: -92233720368547758n },
    ]);
  });

  it("with amounts as numbers, and names in snake_case, known to the SDK or not", async () => {
    const payment = {
      id: "P",
      total_money: { amount: 5500, currency: "USD" },
      card_details: { card: { exp_month: 11, some_new_field: { deeper_field: true } } },
      a_field_of_tomorrow: [{ nested_one: 1 }],
      status: "A_STATUS_OF_TOMORROW",
    };
    const { url } = await serverThat(json({ payment }));
    const received = await clientOf(url).payment("P");
    expect(received).toEqual(payment);
    expect(JSON.stringify(received)).toBe(JSON.stringify(payment));
  });

  it("and an event is the envelope of the webhook", async () => {
    const event = {
      merchant_id: "M",
      type: "payment.updated",
      event_id: "76193e8a-db85-53c6-a2d7-2a1e6e0f6f3e",
      created_at: "2022-04-26T10:08:40.454726",
      data: {
        type: "payment",
        id: "P",
        object: { payment: { id: "P", amount_money: { amount: 100, currency: "USD" }, location_id: "L" } },
      },
    };
    const { url } = await serverThat(json({ events: [event], metadata: [{ event_id: event.event_id }] }));
    const page = await clientOf(url).events({ createdFrom: new Date(0), createdTo: new Date(1) });
    const read = readEnvelope(page.objects[0] ?? null);
    expect(read).toMatchObject({ merchant_id: "M", type: "payment.updated", event_id: event.event_id });
    expect(read.data.object).toEqual(event.data.object);
    expect(read.payload).toEqual(event);
  });
});

describe.each([
  { name: "bookingsById", map: "bookings", object: "booking" },
  { name: "customersById", map: "responses", object: "customer" },
] as const)("$name", ({ name, map, object }) => {
  const notFound = {
    errors: [{ category: "INVALID_REQUEST_ERROR", code: "NOT_FOUND", detail: "Not found" }],
  };

  async function retrieve(ids: string[], answer: object) {
    const { url } = await serverThat(json(answer));
    return clientOf(url)[name](ids);
  }

  it("tells found, not found and not mentioned apart, and leaves out what nobody asked for", async () => {
    const answer = {
      [map]: { A: { [object]: { id: "A" }, errors: [] }, B: notFound, X: { [object]: { id: "X" } } },
    };
    expect(await retrieve(["A", "B", "C"], answer)).toEqual(
      new Map([
        ["A", { id: "A" }],
        ["B", null],
      ]),
    );
  });

  it("files the object under the id that was asked for: a merged profile answers with its survivor", async () => {
    const answer = { [map]: { OLD: { [object]: { id: "SURVIVOR" } } } };
    expect(await retrieve(["OLD"], answer)).toEqual(new Map([["OLD", { id: "SURVIVOR" }]]));
  });

  it.each([
    ["another error than not found", { errors: [{ code: "INTERNAL_SERVER_ERROR" }] }],
    ["not found and another error", { errors: [{ code: "NOT_FOUND" }, { code: "FORBIDDEN" }] }],
    ["no errors and no object", { errors: [] }],
    ["nothing", {}],
    ["no object", "oops"],
    ["an object that is none", { [object]: [] }],
  ])("is refused when an id has %s", async (_, entry) => {
    const error = await failureOf(retrieve(["A"], { [map]: { A: entry } }));
    expect(error.code).toBe("square_invalid_response");
  });

  it.each([
    ["the map is missing", {}],
    ["the map is a list", { [map]: [] }],
    ["errors stand beside the map", { [map]: {}, errors: [{ code: "SERVICE_UNAVAILABLE" }] }],
  ])("is refused when %s", async (_, answer) => {
    expect((await failureOf(retrieve(["A"], answer))).code).toBe("square_invalid_response");
  });
});

describe("a payment that is not there", () => {
  it("is null when Square says so", async () => {
    const { url } = await serverThat(refusal(404, "NOT_FOUND"));
    expect(await clientOf(url).payment("P")).toBeNull();
  });

  it("is an error when only a proxy says so", async () => {
    const { url } = await serverThat(
      (response) => void response.writeHead(404, { "content-type": "text/html" }).end("Not Found"),
    );
    expect((await failureOf(clientOf(url).payment("P"))).code).toBe("square_not_found");
  });
});
