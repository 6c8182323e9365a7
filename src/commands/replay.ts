import { Command } from "commander";
import { systemClock } from "../clock.js";
import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { readEventFile } from "../inbox/event-file.js";
import { Inbox } from "../inbox/inbox.js";
import type { Outcome } from "../inbox/received-event.js";
import { countStoredEvents, type EventPosition, storedEventsPage } from "../inbox/stored-events.js";
import { silentLog } from "../log.js";
import { note, print, withDatabase } from "./context.js";
import { jsonOption, parseInstantOption, parseList, parseStatuses } from "./options.js";
import { Progress } from "./progress.js";

interface Options {
  readonly status?: Outcome[];
  readonly type?: string[];
  readonly since?: Date;
  readonly json?: boolean;
}

/** The outcome of an event. `unreadable` is a place in a file where no event can be read. */
type Result = Outcome | "unreadable";

/** Outcomes without an effect, at least so far. */
const WITHOUT_EFFECT = ["unreadable", "dead", "deferred"] as const satisfies readonly Result[];

/** How many events of a file are processed at once, in shared transactions. */
const AT_ONCE = 64;

const HELP = `
Examples:
  regulars replay --status dead
  regulars replay --status ignored --type booking.created,booking.updated --since 2026-03-01
  regulars replay salon.ndjson`;

export function replayCommand(): Command {
  return new Command("replay")
    .description(
      "Process events again. They come from files (one event, an array, or one event on each line, plain or as simulate " +
        "writes them), or are stored events chosen by --status, --since and --type. Replaying twice changes nothing. An " +
        "unreadable event is reported and skipped. Exits 1 when an event has no effect yet.",
    )
    .argument("[files...]", "event files, .json or .ndjson (required without --status, --type and --since)")
    .option("--status <statuses>", "stored events with these statuses, separated by commas", parseStatuses)
    .option("--type <types>", "stored events of these types, separated by commas", parseList)
    .option("--since <time>", "stored events received at or after this time (ISO 8601)", parseInstantOption)
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(async (files: string[], options: Options) => {
      const byFilter = options.status ?? options.type ?? options.since;
      if (files.length > 0 === (byFilter !== undefined)) {
        throw new RegularsError(
          "usage",
          "Give either files, or one of --status, --since and --type for stored events.",
        );
      }
      const counts = await withDatabase((database, config) =>
        files.length > 0 ? replayFiles(database, config, files) : replayStored(database, options),
      );
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const outcomes = Object.fromEntries(counts);
      const detail = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
      print(
        options.json,
        { events: total, outcomes },
        `${total} events: ${detail.join(", ") || "nothing to do"}`,
      );
      const failed = WITHOUT_EFFECT.filter((result) => counts.has(result)).map(
        (result) => `${counts.get(result)} ${result}`,
      );
      if (failed.length === 0) return;
      note(`Some events had no effect: ${failed.join(", ")}.`);
      process.exitCode = 1;
    });
}

function openInbox(database: Database): Inbox {
  return new Inbox({ database, clock: systemClock, log: silentLog });
}

async function replayFiles(database: Database, config: Config, files: readonly string[]) {
  const inbox = openInbox(database);
  const counts = new Map<Result, number>();
  const progress = new Progress("events");
  let done = 0;
  let underWay: Promise<void>[] = [];
  for (const file of files) {
    for await (const read of readEventFile(file, config.webhook)) {
      if ("problem" in read) {
        note(read.problem);
        count(counts, "unreadable");
        continue;
      }
      underWay.push(inbox.receive(read.event, "replay").then((outcome) => count(counts, outcome)));
      if (underWay.length < AT_ONCE) continue;
      await Promise.all(underWay);
      done += underWay.length;
      progress.update(done);
      underWay = [];
    }
  }
  await Promise.all(underWay);
  progress.end();
  return counts;
}

async function replayStored(database: Database, { status, type, since }: Options) {
  const inbox = openInbox(database);
  const until = systemClock();
  const filter = {
    ...(status && { statuses: status }),
    ...(type && { types: type }),
    ...(since && { since }),
  };
  const progress = new Progress("events", await countStoredEvents(database.pool, filter, until));
  const counts = new Map<Result, number>();
  let after: EventPosition | undefined;
  for (let done = 0; ; ) {
    const page = await storedEventsPage(database.pool, filter, until, after, AT_ONCE);
    after = page.at(-1);
    if (!after) break;
    for (const outcome of await inbox.redrive(page)) count(counts, outcome);
    done += page.length;
    progress.update(done);
  }
  progress.end();
  return counts;
}

function count(counts: Map<Result, number>, result: Result): void {
  counts.set(result, (counts.get(result) ?? 0) + 1);
}
