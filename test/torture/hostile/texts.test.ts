import { beforeAll, expect, test } from "vitest";
import { addSalon, adminHeaders, openTestApp, type TestApp } from "../../support/app.js";
import { readCsv } from "../../support/csv.js";
import { openTestDatabase } from "../../support/database.js";
import { bookingEvent, customerEvent, paymentEvent } from "../../support/events.js";
import { nastyTexts } from "./texts.js";

const database = await openTestDatabase();
let salon: string;
beforeAll(async () => {
  salon = await addSalon(database);
});

interface Shown {
  readonly customer: Readonly<Record<string, unknown>>;
  readonly bookings: readonly Readonly<Record<string, unknown>>[];
  readonly payments: readonly Readonly<Record<string, unknown>>[];
}

/** Where stored texts come out again. Each entry reads the same customer with a reader of its format. */
const surfaces = {
  "the customer": async (app: TestApp, customerId: string): Promise<Shown> => {
    const url = `/api/organizations/${salon}/customers/${encodeURIComponent(customerId)}`;
    const answer = await app.http.inject({ url, headers: adminHeaders });
    expect([customerId, answer.statusCode]).toEqual([customerId, 200]);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    return answer.json();
  },
  "the list": async (app: TestApp, customerId: string): Promise<Shown> => {
    const { customers } = (await ask(app, "customers", customerId)).json();
    return {
      ...(await surfaces["the customer"](app, customerId)),
      customer: customers.find(isOf(customerId)),
    };
  },
  "the CSV": async (app: TestApp, customerId: string): Promise<Shown> => {
    const rows = readCsv((await ask(app, "customers.csv", customerId)).body.slice(1)).map(unquoted);
    return {
      ...(await surfaces["the customer"](app, customerId)),
      customer: rows.find(isOf(customerId)) ?? {},
    };
  },
};

/** Removes the apostrophes that the CSV has before formulas. */
function unquoted(row: Readonly<Record<string, string>>): Record<string, string> {
  const runs = Object.values(row).filter((text) => /^[=@\t]|^[+-](?![\d ().-]+$)/.test(text));
  expect(runs).toEqual([]);
  const texts = Object.entries(row).map(([name, text]) => [name, text.replace(/^'(?=[=@\t+-])/, "")]);
  return Object.fromEntries(texts);
}

const isOf = (customerId: string) => (row: Readonly<Record<string, unknown>>) =>
  row.square_customer_id === customerId;

function ask(app: TestApp, list: string, customerId: string) {
  const url = `/api/organizations/${salon}/${list}?${new URLSearchParams({ q: customerId })}`;
  return app.http.inject({ url, headers: adminHeaders });
}

/** The lists behind numbers that have all of these customers. */
const lists = [
  ["bookings", "bookings"],
  ["payments", "payments"],
  ["segments/movements/customers", "customers"],
  ["retention/customers", "customers"],
] as const;

/** The CSV of a list behind a number holds the texts of its JSON, and no formula. */
async function expectSameTexts(app: TestApp, list: string, name: string): Promise<void> {
  const query = `?from=2026-01-01&to=2026-12-31${list.startsWith("segments") ? "&to_segment=NEW" : ""}`;
  const read = (path: string) =>
    app.http.inject({ url: `/api/organizations/${salon}/${path}`, headers: adminHeaders });
  const answer = await read(`${list}${query}&limit=200`);
  const rows: Readonly<Record<string, unknown>>[] = answer.json()[name];
  expect(rows.length, list).toBe(nastyTexts.length);
  const lines = readCsv((await read(`${list}.csv${query}`)).body.slice(1)).map(unquoted);
  const text = (value: unknown) => (value === null ? "" : String(value));
  expect(lines, list).toEqual(
    rows.map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, text(value)]))),
  );
}

/**
 * Ids, statuses and currencies have at most 255 characters. In an address the limit counts the encoded characters.
 */
const asName = (text: string) => {
  let name = text.slice(0, 255).toWellFormed();
  while (encodeURIComponent(name).length > 255) name = [...name].slice(0, -1).join("");
  return name;
};

/** Adds one customer whose texts are all this one. */
function customerOf(text: string, index: number) {
  const id = asName(`${index} ${text}`);
  const profile = {
    given_name: text,
    family_name: text,
    company_name: text,
    email_address: text,
    phone_number: text,
    birthday: text,
    creation_source: asName(text),
  };
  const notes = { source: asName(text), customer_note: text, seller_note: text };
  const location_id = asName(`location ${text}`);
  const segment = {
    team_member_id: asName(text),
    service_variation_id: asName(`service ${text}`),
    duration_minutes: 30,
  };
  const sale = { order_id: asName(text), source_type: asName(text), location_id };
  const events = [
    customerEvent("customer.created", { id, ...profile }),
    bookingEvent({
      ...notes,
      id: asName(`booking ${index} ${text}`),
      customer_id: id,
      location_id,
      creator_details: { creator_type: asName(text) },
      appointment_segments: [segment],
    }),
    paymentEvent({ ...sale, id: asName(`payment ${index} ${text}`), customer_id: id }),
  ];
  const shown: Shown = {
    customer: {
      ...profile,
      square_customer_id: id,
      preferred_location_id: location_id,
      preferred_technician_id: segment.team_member_id,
      preferred_payment_source: sale.source_type,
    },
    bookings: [{ ...notes, location_id, customer_id: id, creator_type: asName(text), segments: [segment] }],
    payments: [sale],
  };
  return { id, events, shown };
}

test("SQL, HTML, formulas and control characters come out as they went in, and are never executed", async () => {
  const app = await openTestApp(database);
  const customers = nastyTexts.map(customerOf);
  const answers = await Promise.all(customers.flatMap(({ events }) => events).map(app.deliver));
  expect(new Set(answers.map((answer) => answer.json.status))).toEqual(new Set(["processed"]));
  for (const [surface, read] of Object.entries(surfaces)) {
    for (const { id, shown } of customers) {
      expect(await read(app, id), `${surface} of ${id}`).toMatchObject(shown);
    }
  }
  for (const [list, name] of lists) await expectSameTexts(app, list, name);
  const { rows } = await database.pool.query("select count(*)::int as rows from customer_analytics");
  expect(rows).toEqual([{ rows: nastyTexts.length }]);
});
