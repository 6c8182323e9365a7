import { factsOfBooking } from "../../handlers/booking.js";
import { type Queryable, query } from "../database/query.js";
import { MAX_IDS } from "../square/api/api.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import { storeObjects } from "./store-objects.js";
import { moveWatermark, readFrom, readList, SQUARE_EPOCH } from "./watermark.js";

const DAY_MS = 24 * 60 * 60_000;

/** The longest range of `start_at` that Square lists at once. */
const WINDOW_MS = 31 * DAY_MS;

/** Bookings are changed until about two months after their day: a no-show noted late, a correction. */
const LOOK_BACK_DAYS = 60;

/** How far ahead a salon's calendar is filled. Known bookings beyond it are asked for by id. */
const LOOK_AHEAD_DAYS = 180;

/** How far ahead everything is read: two years, which is further than sellers book. */
export const LOOK_FAR_AHEAD_DAYS = 732;

/** `from` (inclusive) to `to`, cut into ranges that Square accepts. */
export function* bookingWindows(from: Date, to: Date): Generator<{ startAtMin: Date; startAtMax: Date }> {
  for (let at = from.getTime(); at < to.getTime(); at += WINDOW_MS) {
    yield { startAtMin: new Date(at), startAtMax: new Date(Math.min(at + WINDOW_MS, to.getTime())) };
  }
}

/**
 * Square lists bookings by their start only, and tells no changes. So the windows in which bookings usually change are read
 * anew each time, and then, by id, every booking known here that is still open or was ahead at the last pull, and was in none
 * of them: it may have been moved. That a booking is in no list says nothing.
 *
 * @param begin when the merchant came to Square: there is nothing before
 */
export async function pullBookings(task: PullTask, begin: Date): Promise<void> {
  const { startedAt } = task;
  const lastPull = await readFrom(task, "bookings");
  const from = later(begin, daysBefore(lastPull, LOOK_BACK_DAYS));
  const to = daysBefore(startedAt, -(lastPull > SQUARE_EPOCH ? LOOK_AHEAD_DAYS : LOOK_FAR_AHEAD_DAYS));
  const aheadOf = later(lastPull, daysBefore(startedAt, LOOK_BACK_DAYS));
  const seen = new Set<string>();
  let failed = 0;
  for (const window of bookingWindows(from, to)) {
    failed += await readList(
      (cursor) => task.api.bookings({ ...window, cursor }),
      (objects) => {
        for (const object of objects) if (isOpen(object, aheadOf)) seen.add(String(object.id));
        return storeObjects(task, "bookings", objects, factsOfBooking);
      },
    );
  }
  failed += await pullKnownBookings(task, aheadOf, seen);
  if (failed === 0) await moveWatermark(task, "bookings");
}

function daysBefore(instant: Date, days: number): Date {
  return new Date(instant.getTime() - days * DAY_MS);
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

/** As the statement below has it, of what Square sent. */
function isOpen({ status, start_at }: JsonObject, aheadOf: Date): boolean {
  return status === "PENDING" || Date.parse(String(start_at)) > aheadOf.getTime();
}

// Primary key; what is open or ahead is little beside the history, but no index knows it.
const openStatement = {
  name: "open_bookings",
  text: `
    select booking_id from bookings
    where organization_id = $1 and booking_id > $2
      and (status = 'PENDING' or (status = 'ACCEPTED' and start_at > $3))
    order by booking_id limit $4`,
};

const OPEN_PAGE = 1_000;

async function* openBookings(
  on: Queryable,
  organizationId: string,
  aheadOf: Date,
): AsyncGenerator<readonly string[]> {
  for (let after = ""; ; ) {
    const { rows } = await query<{ booking_id: string }>(on, openStatement, [
      organizationId,
      after,
      aheadOf,
      OPEN_PAGE,
    ]);
    if (rows.length === 0) return;
    yield rows.map((row) => row.booking_id);
    after = rows.at(-1)?.booking_id ?? "";
  }
}

/** @returns how many could not be stored */
async function pullKnownBookings(task: PullTask, aheadOf: Date, seen: ReadonlySet<string>): Promise<number> {
  let failed = 0;
  for await (const known of openBookings(task.pool, task.organizationId, aheadOf)) {
    const unseen = known.filter((id) => !seen.has(id));
    for (let at = 0; at < unseen.length; at += MAX_IDS) {
      const answers = await task.api.bookingsById(unseen.slice(at, at + MAX_IDS));
      const objects = [...answers.values()].filter((object) => object !== null);
      failed += await storeObjects(task, "bookings", objects, factsOfBooking);
    }
  }
  return failed;
}
