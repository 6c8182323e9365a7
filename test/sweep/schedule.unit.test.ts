import { expect, onTestFinished, test } from "vitest";
import { silentLog } from "../../src/log.js";
import type { Sweeps } from "../../src/sweep/running-sweeps.js";
import { Schedule } from "../../src/sweep/schedule.js";

type Work = Pick<Sweeps, "run" | "recomputeCameDue">;

const skipped = { success: true, skipped: "already_running" } as const;
const nothing: Work = { run: async () => skipped, recomputeCameDue: async () => 0 };
/** Never in the time of a test. */
const NEVER = "0 0 29 2 *";
const EVERY_SECOND = "* * * * * *";

/** Resolves at the third call. */
function thrice() {
  let calls = 0;
  let resolve = () => {};
  const reached = new Promise<void>((done) => {
    resolve = done;
  });
  return {
    reached,
    call: () => {
      calls += 1;
      if (calls === 3) resolve();
      return calls;
    },
  };
}

function start(work: Work, expression: string, dueEveryMs?: number): Schedule {
  const schedule = new Schedule(work, silentLog, expression, dueEveryMs);
  onTestFinished(() => schedule.stop());
  schedule.start();
  return schedule;
}

test("sweeps come by the expression, recent ones, and go on after one that failed", async () => {
  const { reached, call } = thrice();
  const modes: string[] = [];
  const run: Work["run"] = async (mode) => {
    modes.push(mode);
    if (call() === 1) throw new Error("the database is down");
    return skipped;
  };
  start({ ...nothing, run }, EVERY_SECOND);
  await reached;
  expect(modes).toEqual(["recent", "recent", "recent"]);
});

test("rows that came due are looked for at once, and again and again, also after a failure", async () => {
  const { reached, call } = thrice();
  const recomputeCameDue = async () => {
    if (call() === 2) throw new Error("the database is down");
    return 1;
  };
  start({ ...nothing, recomputeCameDue }, NEVER, 1);
  await reached;
});

test("nothing is begun after the stop", async () => {
  let turns = 0;
  let end = () => {};
  const turn = new Promise<void>((resolve) => {
    end = resolve;
  });
  const schedule = start(
    {
      run: async () => {
        throw new Error("no sweep was due");
      },
      recomputeCameDue: async () => {
        turns += 1;
        await turn;
        return 0;
      },
    },
    NEVER,
    0,
  );
  schedule.stop();
  end();
  // Timers of no milliseconds that were set before this one would have come.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(turns).toBe(1);
});
