import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { silentLog } from "../../src/log.js";
import type { Sweeps } from "../../src/sweep/background.js";
import { Schedule } from "../../src/sweep/schedule.js";

type Work = Pick<Sweeps, "run" | "recomputeCameDue">;

const skipped = { success: true, skipped: "already_running" } as const;
const nothing: Work = { run: async () => skipped, recomputeCameDue: async () => 0 };
const MINUTE_MS = 60_000;
let schedule: Schedule;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-06-01T10:30:00Z") });
});
afterEach(() => {
  schedule.stop();
  vi.useRealTimers();
});

function start(work: Work): void {
  schedule = new Schedule(work, silentLog, "15 */2 * * *");
  schedule.start();
}

/** Work that records its starts and fails the first time. */
function failingOnce<Result>(answer: Result) {
  const times: string[] = [];
  const work = async () => {
    times.push(new Date().toISOString().slice(11, 19));
    if (times.length === 1) throw new Error("the database is down");
    return answer;
  };
  return { times, work };
}

test("recent sweeps run by the cron expression, and go on after a failure", async () => {
  const { times, work } = failingOnce(skipped);
  const run = vi.fn(work);
  start({ ...nothing, run });
  await vi.advanceTimersByTimeAsync(6 * 60 * MINUTE_MS);
  expect(times).toEqual(["12:15:00", "14:15:00", "16:15:00"]);
  expect(run.mock.calls).toEqual([["recent"], ["recent"], ["recent"]]);
});

test("due rows are recomputed at once and twice a minute, also after a failure", async () => {
  const { times, work } = failingOnce(1);
  start({ ...nothing, recomputeCameDue: work });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(times).toEqual(["10:30:00", "10:30:30", "10:31:00"]);
});

test("nothing begins after the stop, not even by running work", async () => {
  let end = () => {};
  const recomputeCameDue = vi.fn(async () => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return 0;
  });
  const run = vi.fn(nothing.run);
  start({ run, recomputeCameDue });
  schedule.stop();
  end();
  await vi.advanceTimersByTimeAsync(24 * 60 * MINUTE_MS);
  expect([run.mock.calls.length, recomputeCameDue.mock.calls.length]).toEqual([0, 1]);
});
