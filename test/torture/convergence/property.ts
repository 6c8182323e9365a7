/** The property, and how its failure reads: a story of a few lines, and how to see it again. */
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
  /** The shrunk story that does not converge, ready to be read; undefined when all do. */
  readonly counterexample?: string;
}

interface CheckOptions {
  readonly runs: number;
  readonly seed: number;
  /** Of an earlier failure: plays that story alone. */
  readonly path?: string;
  /** Milliseconds after which no further story is begun. */
  readonly atMostMs?: number;
}

/** Plays random stories, and shrinks the first that does not converge. */
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
    throw new Error("it does not converge");
  });
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    ...(path !== undefined && { path }),
    ...(atMostMs !== undefined && { interruptAfterTimeLimit: Math.max(1, atMostMs) }),
    markInterruptAsFailure: false,
  });
  const counted = { runs: details.numRuns, seed, ...totals };
  // One that was interrupted before its first story has no counterexample.
  if (!details.failed || details.counterexample === null) return counted;
  const again = `CONVERGENCE_REPLAY=${details.seed}:${details.counterexamplePath}`;
  const text = [
    `a story that does not converge, after ${details.numRuns} stories and ${details.numShrinks} shrinks; to see it again: ${again}`,
    ...(failed?.lines ?? [String(details.errorInstance)]),
  ];
  return { ...counted, counterexample: text.join("\n") };
}
