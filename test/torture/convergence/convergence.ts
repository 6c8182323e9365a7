import type { Attack, AttackContext } from "../runner/attack.js";
import { openProcessStage } from "./process-stage.js";
import { checkConvergence } from "./property.js";
import { openStage, type Stage } from "./stage.js";

interface Options {
  /** Random stories of one round. */
  readonly stories: number;
}

/** Random stories, delivered in and out of order to servers in this process. The story moves their clock. */
export function convergence(options: Options): Attack {
  return {
    name: "convergence",
    describe:
      "Random short stories of every kind of event, delivered in any order, twice, late or never, over several servers, and then swept: the tables are those of a single delivery in order, and the oracle agrees.",
    share: 3,
    async run(context) {
      const { database, url } = await context.openDatabase();
      const stage = await openStage(database, url);
      context.defer(() => stage.close());
      await playRounds(context, stage, options);
    },
  };
}

/** The same with servers in separate processes. They use the machine's clock. */
export function convergenceOfProcesses(options: Options & { readonly servers: number }): Attack {
  return {
    name: "convergence-of-processes",
    describe: "The same stories, delivered over HTTP to several server processes on one database.",
    run: async (context) => playRounds(context, await openProcessStage(context, options.servers), options),
  };
}

async function playRounds(context: AttackContext, stage: Stage, { stories }: Options): Promise<void> {
  const { tally } = context;
  let played = 0;
  for (const _ of context.rounds()) {
    const seed = context.random.int(0, 0x7fffffff);
    const atMostMs = context.remaining();
    const checked = await checkConvergence(stage, {
      runs: stories,
      seed,
      ...(Number.isFinite(atMostMs) && { atMostMs }),
    });
    played += checked.runs;
    tally.fault(checked.lost);
    tally.counts.sent += checked.deliveries;
    tally.counts.acknowledged += checked.deliveries;
    tally.compared(checked.rowsCompared, 0);
    if (checked.counterexample === undefined) continue;
    tally.compared(0, 1, [checked.counterexample.replaceAll("\n", "\n          ")]);
    // A further counterexample would most likely be the same.
    break;
  }
  tally.figure("stories", played);
}
