import { beforeEach, describe, expect, it } from "vitest";
import type { CustomerFilters } from "../../src/reports/customer-filters.js";
import { customerSorts } from "../../src/reports/customer-statements.js";
import {
  type Cursor,
  type CustomerPage,
  type CustomerQuery,
  readCustomers,
  type Ways,
} from "../../src/reports/customers.js";
import { Random } from "../../src/simulator/random.js";
import { expectedAnalytics, expectedProfiles, type Row, toMicros } from "../oracle/index.js";
import { adminHeaders, openTestApp, type TestApp } from "../support/app.js";
import { casesHere, emptyDatabase, openTestDatabase } from "../support/database.js";
import { makeRandomWorld } from "../support/random-worlds.js";
import { customerIdsOf, makeOrganization, readFacts, recomputeAt } from "../support/worlds.js";
import { insert } from "../support/worlds-insert.js";

const database = await openTestDatabase();
let app: TestApp;
beforeEach(async () => {
  await emptyDatabase(database);
  app = await openTestApp(database);
});

type Question = Readonly<Record<string, string>>;

async function ask(organization: string, question: Question) {
  const url = `/api/organizations/${organization}/customers?${new URLSearchParams(question)}`;
  const answer = await app.http.inject({ url, headers: adminHeaders });
  return { status: answer.statusCode, ...answer.json() };
}

/** All pages of a list. */
async function walk(organization: string, question: Question): Promise<Row[]> {
  const customers: Row[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const answer: { status: number; customers: Row[]; next_cursor: string | null } = await ask(organization, {
      ...question,
      ...(cursor && { cursor }),
    });
    expect([question, answer.status]).toEqual([question, 200]);
    customers.push(...answer.customers);
    cursor = answer.next_cursor;
  }
  return customers;
}

const folded = (text: string) =>
  text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase();
const text = (value: unknown) => (value as string | null) ?? "";
const nameOf = (row: Row) =>
  folded(`${text(row.given_name)} ${text(row.family_name)}`.trim() || text(row.company_name)).trim() || null;
const wordsOf = (row: Row) =>
  [row.given_name, row.family_name, row.company_name].flatMap(
    (name) => folded(text(name)).match(/[\p{L}\p{N}]+/gu) ?? [],
  );
const digitsOf = (phone: unknown) => text(phone).replace(/\D/g, "");

const dayOf = (instant: unknown, timeZone: string) =>
  new Date(text(instant)).toLocaleDateString("en-CA", { timeZone });

/** The documented filters and orders, written by hand. */
function passes(row: Row, question: Question, now: bigint, timeZone: string): boolean {
  const lastVisitDay = row.last_visit_at === null ? null : dayOf(row.last_visit_at, timeZone);
  const among = (name: string, column: string) =>
    question[name] === undefined || question[name].split(",").includes(String(row[column]));
  const overdueAt = row.overdue_at === null ? null : toMicros(row.overdue_at as string);
  const until = now + BigInt(question.due_within_days ?? 0) * 86_400_000_000n;
  const asked: Record<string, () => boolean> = {
    overdue: () => String(row.is_overdue) === question.overdue,
    due_within_days: () =>
      !row.is_overdue && row.upcoming_bookings === 0 && overdueAt !== null && overdueAt <= until,
    upcoming: () => String(Number(row.upcoming_bookings) > 0) === question.upcoming,
    min_visits: () => Number(row.total_visits) >= Number(question.min_visits),
    last_visit_from: () => lastVisitDay !== null && lastVisitDay >= text(question.last_visit_from),
    last_visit_to: () => lastVisitDay !== null && lastVisitDay <= text(question.last_visit_to),
    birthday_month: () => Number(text(row.birthday).slice(5, 7)) === Number(question.birthday_month),
    q: () => isSought(row, question.q ?? ""),
  };
  return (
    among("segment", "customer_segment") &&
    among("customer_type", "customer_type") &&
    among("visit_frequency", "visit_frequency") &&
    among("location_id", "preferred_location_id") &&
    among("technician_id", "preferred_technician_id") &&
    Object.entries(asked).every(([name, holds]) => question[name] === undefined || holds())
  );
}

function isSought(row: Row, q: string): boolean {
  const words = folded(q).match(/[\p{L}\p{N}]+/gu) ?? [];
  const own = wordsOf(row);
  const byName = words.length > 0 && words.every((word) => own.some((name) => name.startsWith(word)));
  const byPhone =
    /^[\d ().+-]+$/.test(q) && digitsOf(q).length >= 4 && digitsOf(row.phone_number).endsWith(digitsOf(q));
  return (
    byName || byPhone || folded(text(row.email_address)).startsWith(folded(q)) || row.square_customer_id === q
  );
}

function inOrder(rows: readonly Row[], sort: string, order: string): Row[] {
  const keyOf = (row: Row) => (sort === "name" ? nameOf(row) : row[sort]) as string | number | bigint | null;
  const ids = (a: Row, b: Row) => (String(a.square_customer_id) < String(b.square_customer_id) ? -1 : 1);
  return [...rows].sort((a, b) => {
    const [one, other] = [keyOf(a), keyOf(b)];
    if (one === null || other === null) return one === other ? ids(a, b) : one === null ? 1 : -1;
    if (one === other) return ids(a, b);
    return one < other === (order === "asc") ? -1 : 1;
  });
}

/** A question that some customer of these may answer. */
function randomQuestion(random: Random, rows: readonly Row[]): Question {
  const row = random.pick(rows);
  const words = random.shuffle(wordsOf(row)).map((word) => word.slice(0, random.int(1, 4)).toUpperCase());
  const phone = digitsOf(row.phone_number);
  const filters: Question = {
    segment: random.pick(["NEW,ACTIVE", "AT_RISK", "LOST,NEVER_VISITED", String(row.customer_segment)]),
    customer_type: String(row.customer_type),
    visit_frequency: random.pick(["WEEKLY,BIWEEKLY", "MONTHLY"]),
    location_id: text(row.preferred_location_id) || "L",
    technician_id: text(row.preferred_technician_id) || "T",
    overdue: random.pick(["true", "false"]),
    due_within_days: String(random.int(1, 90)),
    upcoming: random.pick(["true", "false"]),
    min_visits: String(random.int(0, 5)),
    last_visit_from: (text(row.last_visit_at) || "2025-01-01").slice(0, 10),
    last_visit_to: (text(row.last_visit_at) || "2025-01-01").slice(0, 10),
    birthday_month: text(row.birthday).slice(5, 7).replace(/^0/, "") || "1",
    q: random.pick([
      words.join(" ") || "a",
      text(row.email_address).slice(0, 5).toUpperCase() || "b",
      phone.length >= 4 ? phone.slice(-random.int(4, phone.length)) : "9999",
      String(row.square_customer_id),
    ]),
  };
  const chosen = random.shuffle(Object.keys(filters)).slice(0, random.int(0, 2));
  return Object.fromEntries(chosen.map((name) => [name, filters[name] as string]));
}

function parsed(question: Question): CustomerFilters {
  const lists = ["segment", "customer_type", "visit_frequency"];
  const numbers = ["due_within_days", "min_visits", "birthday_month"];
  const typed = (name: string, value: string) => {
    if (lists.includes(name)) return value.split(",");
    if (numbers.includes(name)) return Number(value);
    return name === "overdue" || name === "upcoming" ? value === "true" : value;
  };
  return Object.fromEntries(Object.entries(question).map(([name, value]) => [name, typed(name, value)]));
}

/** Limits at which a few customers are treated as many are. */
function randomWays(random: Random): Ways {
  return {
    walk: random.pick([0, 1, 3, 1_000_000]),
    few: random.pick([-1, 0, 1, 5, 1_000_000]),
    mostOfFew: random.pick([1, 2, 5, 1_000_000]),
    longWalk: random.pick([0, 2, 5, null]),
  };
}

/** The ids of all pages. */
async function walkBy(query: CustomerQuery, limit: number, ways: Ways): Promise<unknown[]> {
  const ids: unknown[] = [];
  let after: Cursor | null = null;
  do {
    const page: CustomerPage = await readCustomers(database.pool, query, after, limit, ways);
    ids.push(...page.customers.map((row) => row.square_customer_id));
    after = page.next;
  } while (after !== null);
  return ids;
}

const seeds = Array.from({ length: casesHere(20) }, (_, seed) => seed);

describe.each(seeds)("the list of a random organization, seed %i", (seed) => {
  it("holds exactly the customers that the facts call for, each once, in order, by any filter, order and page size", async () => {
    const random = new Random(`list ${seed}`);
    const { organizationId, end } = await makeRandomWorld(database, seed);
    const facts = await readFacts(database, organizationId);
    const now = end.toISOString();
    const timeZone = facts.organization.time_zone;
    await recomputeAt(database, organizationId, customerIdsOf(facts), now);
    app.clock.now = end;
    const rows = [...expectedAnalytics(facts, now).values()];
    if (rows.length === 0) return;
    const names = new Map(expectedProfiles(rows, facts, now).map((row) => [row.square_customer_id, row]));
    for (const sort of customerSorts) {
      for (const order of ["asc", "desc"] as const) {
        const question = randomQuestion(random, rows);
        const wanted = inOrder(
          rows.filter((row) => passes(row, question, toMicros(now), timeZone)),
          sort,
          order,
        );
        const limit = String(random.int(1, 4));
        const listed = await walk(organizationId, { ...question, sort, order, limit });
        const told = JSON.stringify({ seed, question, sort, order, limit });
        expect(
          listed.map((row) => row.square_customer_id),
          told,
        ).toEqual(wanted.map((row) => row.square_customer_id));
        const query = { organizationId, timeZone, now: end, sort, order, ...parsed(question) } as const;
        const ways = randomWays(random);
        expect(await walkBy(query, Number(limit), ways), `${told} ${JSON.stringify(ways)}`).toEqual(
          wanted.map((row) => row.square_customer_id),
        );
        for (const row of listed) {
          const { preferred_location_name, preferred_technician_name, preferred_service_name, overdue_at } =
            names.get(row.square_customer_id) as Row;
          expect(row).toMatchObject({
            preferred_location_name,
            preferred_technician_name,
            preferred_service_name,
          });
          expect(row.overdue_at === null).toBe(overdue_at === null);
        }
      }
    }
  });
});

describe("a salon's list", () => {
  let salon: string;
  beforeEach(async () => {
    salon = await makeOrganization(database, "M1");
  });

  async function customers(...profiles: Record<string, unknown>[]) {
    const rows = profiles.map((profile, at) => ({ square_customer_id: `C${at}`, ...profile }));
    await insert(database, salon, "customers", rows);
    const ids = rows.map((row) => String(row.square_customer_id));
    await recomputeAt(database, salon, ids, app.clock.now.toISOString());
  }
  const found = async (question: Question) =>
    (await walk(salon, question)).map((row) => String(row.square_customer_id));

  it.each([
    ["ann", ["C0", "C1"]],
    ["smi ANN", ["C0"]],
    ["anne-m", ["C1"]],
    ["o'b", ["C2"]],
    ["elodie", ["C3"]],
    ["ÉLO", ["C3"]],
    ["ЖЕНЯ", ["C4"]],
    ["lantern loom", ["C5"]],
    ["loom & lantern", ["C5"]],
    ["Smith@Example", ["C0"]],
    ["smith@example.com ", ["C0"]],
    ["0199", ["C0", "C3"]],
    ["(555) 010-0199", ["C0"]],
    ["199", []],
    ["C4", ["C4"]],
    ["c4", []],
    ["' | 'n", []],
    ["\\", []],
    ["%", []],
    ["&&& !!!", []],
  ])("finds by %s", async (q, wanted) => {
    await customers(
      {
        given_name: "Ann",
        family_name: "Smith",
        email_address: "smith@example.com",
        phone_number: "+1 555-010-0199",
      },
      { given_name: "Anne-Marie", family_name: "Jones" },
      { given_name: "Pat", family_name: "O'Brien" },
      { given_name: "Élodie", phone_number: "4440199" },
      { given_name: "Женя" },
      { company_name: "Lantern & Loom" },
    );
    expect(await found({ q })).toEqual(wanted);
  });

  it("finds a merged id's survivor, and a profile no longer by what was cleared", async () => {
    await customers({ given_name: "Ann" }, { given_name: "Bea" });
    await insert(database, salon, "customer_aliases", [{ from_customer_id: "OLD", to_customer_id: "C1" }]);
    expect(await found({ q: "OLD" })).toEqual(["C1"]);
    await database.pool.query("update customers set given_name = null where given_name = 'Ann'");
    expect(await found({ q: "ann" })).toEqual([]);
  });

  it("takes last visits from and to local days of the organization", async () => {
    await customers({}, {}, {});
    const starts = ["2026-05-01T06:59:59Z", "2026-05-01T07:00:00Z", "2026-05-03T06:59:59Z"];
    await insert(
      database,
      salon,
      "bookings",
      starts.map((start_at, at) => ({ booking_id: `b${at}`, customer_id: `C${at}`, start_at })),
    );
    await recomputeAt(database, salon, ["C0", "C1", "C2"], app.clock.now.toISOString());
    expect(await found({ last_visit_from: "2026-05-01" })).toEqual(["C1", "C2"]);
    expect(await found({ last_visit_to: "2026-05-02" })).toEqual(["C0", "C1", "C2"]);
    expect(await found({ last_visit_to: "2026-04-30" })).toEqual(["C0"]);
  });

  it("takes a cursor for the question that it came with, and for no other", async () => {
    await customers({ given_name: "A" }, { given_name: "B" }, { given_name: "C" });
    const other = await makeOrganization(database, "M2");
    const { next_cursor: cursor } = await ask(salon, { limit: "1", order: "asc" });
    expect(await ask(salon, { limit: "2", cursor })).toMatchObject({ status: 200, next_cursor: null });
    const bytes = Buffer.from(cursor, "base64url");
    const spoilt = [...bytes.keys()].map((at) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      return changed.toString("base64url");
    });
    const asked: [string, Question][] = [
      [other, { cursor }],
      [salon, { cursor, order: "desc" }],
      [salon, { cursor, sort: "total_visits" }],
      [salon, { cursor, segment: "NEVER_VISITED" }],
      [salon, { cursor, q: "a" }],
      ...["", "x", cursor.slice(0, -2), `${cursor}AA`, ...spoilt].map((each): [string, Question] => [
        salon,
        { cursor: each },
      ]),
    ];
    for (const [organization, question] of asked) {
      expect(await ask(organization, question), JSON.stringify(question)).toMatchObject({
        status: 400,
        code: "invalid_cursor",
        parameter: "cursor",
      });
    }
    // Sealed: it shows neither what it was asked for nor whose name it ends with.
    expect(bytes.toString("latin1")).not.toMatch(/"[a-z_]+":/);
  });

  it.each([
    ["segment=ACTIVE,OLD", "segment"],
    ["segment=", "segment"],
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=1e1", "limit"],
    ["due_within_days=91", "due_within_days"],
    ["min_visits=-1", "min_visits"],
    ["overdue=yes", "overdue"],
    ["birthday_month=13", "birthday_month"],
    ["last_visit_from=2026-02-30", "last_visit_from"],
    ["last_visit_from=2026-02-02&last_visit_to=2026-02-01", "last_visit_from"],
    ["sort=email_address", "sort"],
    ["order=down", "order"],
    ["q=", "q"],
    ["q=%00", "q"],
    ["page=2", "page"],
  ])("refuses %s and names %s", async (query, parameter) => {
    const url = `/api/organizations/${salon}/customers?${query}`;
    const answer = await app.http.inject({ url, headers: adminHeaders });
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      expect.objectContaining({ code: "invalid_request" }),
    ]);
    expect(answer.json().parameter).toBe(parameter);
  });
});
