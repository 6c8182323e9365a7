import { factsOfBooking } from "../../handlers/booking.js";
import { type Queryable, query } from "../database/query.js";
import { MAX_IDS } from "../square/api/api.js";
import type { JsonObject } from "../square/types.js";
import type { PullTask } from "./connect.js";
import { storeObjects } from "./store-objects.js";
import { moveWatermark, readFrom, readList, SQUARE_EPOCH } from "./watermark.js";

const DAY_MS = 24 * 60 * 60_000;

/** The longest range of `start_at` that Square accepts in one list. */
const WINDOW_MS = 31 * DAY_MS;

/** Sellers change bookings until about two months after their day, such as for a late no-show or a correction. */
const LOOK_BACK_DAYS = 60;

/** How far ahead most bookings are. Known bookings beyond it are requested by id. */
const LOOK_AHEAD_DAYS = 180;

/** How far ahead a pull of everything reads: two years. Sellers do not book further. */
export const LOOK_FAR_AHEAD_DAYS = 732;

/** Cuts the range from `from` (inclusive) to `to` into ranges that Square accepts. */
export function* bookingWindows(from: Date, to: Date): Generator<{ startAtMin: Date; startAtMax: Date }> {
  for (let at = from.getTime(); at < to.getTime(); at += WINDOW_MS) {
    yield { startAtMin: new Date(at), startAtMax: new Date(Math.min(at + WINDOW_MS, to.getTime())) };
  }
}

/**
 * Pulls changed bookings. Square lists bookings by start only and has no list of changes. So each pull does two
 * things:
 *
 * 1. It reads the windows in which bookings usually change. 2. It requests by id every known booking that was in
 * none of these windows and is PENDING, or is ACCEPTED and was in the future at the last pull. Such a booking may
 * have been rescheduled.
 *
 * A booking that is in no list is not deleted.
 *
 * @param begin no booking of the merchant starts earlier
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

/** Whether `openStatement` may find this booking. */
function isOpen({ status, start_at }: JsonObject, aheadOf: Date): boolean {
  return status === "PENDING" || Date.parse(String(start_at)) > aheadOf.getTime();
}

// Index: primary key. Few bookings match. No index selects them.
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

/** @returns the number of bookings that could not be stored */
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
