import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { LiveFeed, type News } from "../../src/inbox/live-feed.js";
import { silentLog } from "../../src/log.js";
import { addSalon } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";

const database = await openTestDatabase();
const salon = await addSalon(database);

const change = (event_id: string, customers = 1) => ({
  organization_id: salon,
  event_id,
  event_type: "payment.updated",
  at: "2026-06-01T12:00:00.000Z",
  customer_ids: Array.from({ length: customers }, (_, n) => `customer ${n}`),
  columns: ["total_payments"],
});

const listeners = () =>
  database.pool
    .query<{ pid: number }>(
      "select pid from pg_stat_activity where datname = current_database() and query like 'listen %' order by pid",
    )
    .then(({ rows }) => rows.map(({ pid }) => pid));

async function openFeeds() {
  const heard: News[][] = [[], []];
  const feeds = heard.map((news) => {
    const feed = new LiveFeed(database, silentLog);
    feed.start();
    feed.subscribe(salon, (told) => void news.push(told));
    return feed;
  });
  while ((await listeners()).length < 2) await wait(10);
  return { feeds, heard };
}

const idsOf = (news: readonly News[]) =>
  news.flatMap((told) => ("changes" in told ? told.changes.map(({ event_id }) => event_id) : []));

test("of two servers over one Postgres each tells what the other commits, once, and what does not fit as a number", async () => {
  const { feeds, heard } = await openFeeds();
  const [one, two] = heard as [News[], News[]];
  feeds[0]?.publish([change("a"), change("b", 100)]);
  feeds[1]?.publish([change("c")]);
  feeds[1]?.publish([change("too long", 2_000)]);
  while (one.length < 3 || two.length < 3) await wait(5);
  expect(idsOf(one).sort()).toEqual(["a", "b", "c"]);
  expect(one).toContainEqual({ count: 1 });
  expect(idsOf(two).sort()).toEqual(["a", "b", "c", "too long"]);
  await Promise.all(feeds.map((feed) => feed.stop()));
  expect(await listeners()).toEqual([]);
});

test("a burst is told to the other server as a number", async () => {
  const { feeds, heard } = await openFeeds();
  const [, two] = heard as [News[], News[]];
  feeds[0]?.publish(Array.from({ length: 5_000 }, (_, n) => change(`e${n}`)));
  const counted = () =>
    two.reduce((sum, news) => sum + ("count" in news ? news.count : news.changes.length), 0);
  while (counted() < 5_000) await wait(5);
  await Promise.all(feeds.map((feed) => feed.stop()));
});

test("a connection that is lost is opened again, and its reader is told that there may be more", async () => {
  const { feeds, heard } = await openFeeds();
  const [one] = heard as [News[]];
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %'",
  );
  while (!one.some((news) => "count" in news && news.count === 0)) await wait(10);
  feeds[1]?.publish([change("after")]);
  while (!idsOf(one).includes("after")) await wait(5);
  await Promise.all(feeds.map((feed) => feed.stop()));
});
