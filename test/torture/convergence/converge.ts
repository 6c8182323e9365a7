/** Plays a story twice, once in order and once by its plan, and compares the results. */
import { randomUUID } from "node:crypto";
import { recomputeCustomer } from "../../../src/analytics/customer.js";
import { Inbox } from "../../../src/inbox/inbox.js";
import { silentLog } from "../../../src/log.js";
import { encryptAccessToken } from "../../../src/organizations/access-token.js";
import type { LedgerWatcher, SalonEvent } from "../../../src/simulator/ledger.js";
import type { SweepReport } from "../../../src/sweep/report.js";
import { type SweepContext, sweep } from "../../../src/sweep/sweep.js";
import { type FaultySquare, startFakeSquare } from "../../support/fake-square.js";
import { openApiAt, pullOnce, TOKEN_KEY } from "../../support/square-context.js";
import { makeOrganization } from "../../support/worlds.js";
import { differencesOf } from "./differences.js";
import { type Plan, planOf } from "./plan.js";
import { HOUR, MINUTE, ORGANIZATION_ZONE } from "./salon.js";
import type { Stage } from "./stage.js";
import type { Story } from "./story.js";
import { type Message, type Pull, StoryWorld } from "./world.js";

export interface Played {
  /** The story as text: one line for each command, delivery and difference. */
  readonly lines: readonly string[];
  readonly differences: readonly string[];
  readonly deliveries: number;
  readonly lost: number;
  readonly rowsCompared: number;
}

/** One of a story's two organizations. One gets each event once and in order. The other gets them by the plan. */
interface Side {
  readonly merchantId: string;
  readonly organizationId: string;
}

interface Play {
  readonly stage: Stage;
  readonly story: Story;
  readonly world: StoryWorld;
  readonly context: SweepContext;
  readonly square: FaultySquare | undefined;
}

export async function playStory(stage: Stage, story: Story): Promise<Played> {
  const name = randomUUID().slice(0, 13);
  const world = new StoryWorld(`${name}-ordered`, stage.storyStart, story.square !== "nothing");
  const merchants = { ordered: `${name}-ordered`, mixed: `${name}-mixed` };
  const square = story.square === "nothing" ? undefined : await openSquare(stage, story, world, merchants);
  try {
    world.play(story.steps);
    const play = { stage, story, world, square, context: contextOf(stage, square) };
    const ordered = await openSide(play, merchants.ordered);
    const mixed = await openSide(play, merchants.mixed);
    const plan = planOf(story, world);
    await deliverInOrder(play, ordered);
    const outcomes = await deliverAsPlanned(play, mixed, plan);
    // Only a second sweep confirms a deletion without an event.
    const reports = [await sweepLater(play, waitHours(story)), await sweepLater(play, waitHours(story) + 1)];
    const { differences, rows } = await differencesOf(play, ordered, mixed, [
      ...outcomes,
      ...reports.flatMap(faultsOf),
    ]);
    const lines = [...storyLines(play), ...plan.lines, ...differences.map((line) => `differs:  ${line}`)];
    return {
      lines,
      differences,
      deliveries: plan.bursts.flat().filter(({ message }) => "event" in message.news).length,
      lost: plan.lost,
      rowsCompared: rows,
    };
  } finally {
    await square?.close();
    await forget(stage, Object.values(merchants));
  }
}

function storyLines({ world, story }: Play): string[] {
  const end = `${world.clockText(world.now)}  the end; ${waitHours(story)} hours later a ${story.sweep} sweep, which can ask Square for ${story.square}`;
  return [...world.lines, end];
}

/** With events the wait is short, because Square's event search covers 28 days. */
function waitHours({ square, waitHours }: Story): number {
  return square === "lists and events" ? Math.min(waitHours, 20) : waitHours;
}

/** A fake Square with two merchants that have the same objects. */
async function openSquare(
  stage: Stage,
  story: Story,
  { served }: StoryWorld,
  merchants: { ordered: string; mixed: string },
): Promise<FaultySquare> {
  const { truth, watch } = served;
  const under = (id: string) => ({
    truth: { ...truth, merchant: { ...truth.merchant, id } },
    watch: (watcher: LedgerWatcher) =>
      watch({
        changed: (change) => watcher.changed(change),
        announced: ({ at, event }: SalonEvent) =>
          watcher.announced({ at, event: { ...event, merchant_id: id } }),
      }),
  });
  return startFakeSquare({
    merchants: Object.values(merchants).map((id) => ({ salon: under(id), accessToken: `token-of-${id}` })),
    clock: stage.clock,
    eventsEnabled: story.square === "lists and events",
  });
}

function contextOf({ database, clock }: Stage, square: FaultySquare | undefined): SweepContext {
  return {
    database,
    clock,
    log: silentLog,
    inbox: new Inbox({ database, clock, log: silentLog }),
    openApi: openApiAt(square?.url ?? "http://127.0.0.1:9"),
    tokenEncryptionKey: TOKEN_KEY,
  };
}

async function openSide({ stage, square }: Play, merchantId: string): Promise<Side> {
  const { database } = stage;
  const organizationId = await makeOrganization(database, merchantId, { timeZone: ORGANIZATION_ZONE });
  if (square) {
    const token = encryptAccessToken(TOKEN_KEY, merchantId, `token-of-${merchantId}`);
    await database.pool.query(
      "update organizations set access_token_ciphertext = $2, authorized_at = $3 where id = $1",
      [organizationId, token, new Date(stage.storyStart)],
    );
  }
  return { merchantId, organizationId };
}

async function deliverInOrder(play: Play, side: Side): Promise<void> {
  for (const message of play.world.messages) {
    if ("pull" in message.news) continue;
    play.stage.moveTo(message.at);
    await take(play, side, message, 0);
  }
}

/** @returns the deliveries and pulls that failed */
async function deliverAsPlanned(play: Play, side: Side, { bursts }: Plan): Promise<string[]> {
  const wrong: string[] = [];
  let latest = play.world.start;
  for (const burst of bursts) {
    latest = Math.max(latest, ...burst.map(({ message }) => message.at));
    play.stage.moveTo(latest);
    const ends = await Promise.all(burst.map(({ message, server }) => take(play, side, message, server)));
    wrong.push(...ends.filter((end) => !/^(processed|stale|duplicate)$/.test(end)));
  }
  return wrong;
}

/** Processes one message. @returns its outcome */
async function take(play: Play, side: Side, { news }: Message, server: number): Promise<string> {
  const { stage } = play;
  if ("event" in news) return stage.deliver(server, { ...news.event, merchant_id: side.merchantId });
  if ("pull" in news) return pull(play, side, news.pull);
  const { square_customer_id, used_referral_code, activated_at } = news.referral;
  await stage.database.pool.query(
    `insert into referral_profiles
       (organization_id, square_customer_id, used_referral_code, activated_as_referrer, activated_at)
     values ($1, $2, $3, $4, $5)`,
    [side.organizationId, square_customer_id, used_referral_code, activated_at !== null, activated_at],
  );
  await recomputeCustomer(stage.database.pool, side.organizationId, square_customer_id, stage.clock());
  return "processed";
}

async function pull(
  { square, context }: Play,
  side: Side,
  { lagMinutes, findsNobody }: Pull,
): Promise<string> {
  if (!square) return "processed";
  square.lagMs = lagMinutes * MINUTE;
  const retrievals = { on: "POST /v2/customers/bulk-retrieve", times: Number.POSITIVE_INFINITY };
  const lapse = findsNobody ? square.fail({ kind: "finds-nobody" }, retrievals) : undefined;
  const { errors } = await pullOnce({ context }, side.organizationId);
  lapse?.cancel();
  square.lagMs = 0;
  return errors.length > 0 ? `the pull failed: ${JSON.stringify(errors)}` : "processed";
}

/** @param hours after the end of the story */
async function sweepLater({ stage, world, story, context }: Play, hours: number): Promise<SweepReport> {
  stage.moveTo(world.now + hours * HOUR);
  const report = await sweep(context, story.sweep);
  if ("skipped" in report) throw new Error("another sweep was running");
  return report;
}

/** After webhooks and pulls every row is exact. So the sweep may only recompute rows that came due. */
function faultsOf({ errors, drift, created, deleted, complete }: SweepReport): string[] {
  return [
    ...errors.map((error) => `the sweep failed: ${JSON.stringify(error)}`),
    ...drift.map(({ column, rows }) => `the sweep found ${rows} rows with a wrong ${column}`),
    ...(created + deleted > 0 ? [`the sweep made ${created} missing rows and removed ${deleted}`] : []),
    ...(complete ? [] : ["the sweep did not check every row"]),
  ];
}

async function forget({ database }: Stage, merchantIds: readonly string[]): Promise<void> {
  await database.pool.query(
    `do $$
     declare
       name text;
       ids uuid[] := array(select id from organizations where square_merchant_id in (${merchantIds.map((id) => `'${id}'`).join(", ")}));
     begin
       for name in
         select table_name from information_schema.columns
         where table_schema = current_schema() and column_name = 'organization_id' and table_name in (
           select tablename from pg_tables where schemaname = current_schema())
       loop
         execute format('delete from %I where organization_id = any ($1)', name) using ids;
       end loop;
       delete from organizations where id = any (ids);
     end $$`,
  );
}
