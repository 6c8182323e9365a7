/** Checks that stories converge. A failure is a short story and the way to repeat it. */
import fc from "fast-check";
import { type Played, playStory } from "./converge.js";
import type { Stage } from "./stage.js";
import { stories } from "./story.js";

export interface Checked {
  readonly runs: number;
  readonly seed: number;
  readonly deliveries: number;
  readonly lost: number;
  readonly rowsCompared: number;
  /** The shrunk story that does not converge, as text. Undefined when all converge. */
  readonly counterexample?: string;
}

interface CheckOptions {
  readonly runs: number;
  readonly seed: number;
  /** The path of an earlier failure. Only that story is played. */
  readonly path?: string;
  /** After so many milliseconds no further story begins. */
  readonly atMostMs?: number;
}

/** Plays random stories and shrinks the first that does not converge. */
export async function checkConvergence(
  stage: Stage,
  { runs, seed, path, atMostMs }: CheckOptions,
): Promise<Checked> {
  const totals = { deliveries: 0, lost: 0, rowsCompared: 0 };
  let failed: Played | undefined;
  const property = fc.asyncProperty(stories, async (story) => {
    const played = await playStory(stage, story);
    totals.deliveries += played.deliveries;
    totals.lost += played.lost;
    totals.rowsCompared += played.rowsCompared;
    if (played.differences.length === 0) return;
    failed = played;
    throw new Error("the story does not converge");
  });
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    ...(path !== undefined && { path }),
    ...(atMostMs !== undefined && { interruptAfterTimeLimit: Math.max(1, atMostMs) }),
    markInterruptAsFailure: false,
  });
  const counted = { runs: details.numRuns, seed, ...totals };
  // Without a counterexample the check was interrupted before its first story.
  if (!details.failed || details.counterexample === null) return counted;
  const again = `CONVERGENCE_REPLAY=${details.seed}:${details.counterexamplePath}`;
  const text = [
    `a story that does not converge, after ${details.numRuns} stories and ${details.numShrinks} shrinks. To repeat it: ${again}`,
    ...(failed?.lines ?? [String(details.errorInstance)]),
  ];
  return { ...counted, counterexample: text.join("\n") };
}
