import { silentLog } from "../../src/log.js";
import type { SweepMode, SweepStep } from "../../src/sweep/report.js";
import { sweep } from "../../src/sweep/sweep.js";
import { loadDataset, withBenchDatabase } from "./bench-database.js";
import { benchmarkDataset } from "./dataset.js";

export interface SweepFigures {
  readonly what: string;
  readonly milliseconds: number;
  readonly detail: string;
}

const DAY_MS = 24 * 3600 * 1000;

/** Whole sweeps of the data set. They have no pulls, because no organization has a token. */
export async function benchSweep(): Promise<SweepFigures[]> {
  const dataset = benchmarkDataset();
  return withBenchDatabase("regulars_bench_sweep", async (database) => {
    process.stderr.write("loading the data set\n");
    await loadDataset(database, dataset);
    let now = dataset.now;

    const measure = async (what: string, mode: SweepMode): Promise<SweepFigures> => {
      const spent: Partial<Record<SweepStep, number>> = {};
      let since = performance.now();
      const started = since;
      const context = {
        database,
        clock: () => now,
        log: silentLog,
        inbox: { receive: () => Promise.reject(new Error("nothing to receive")), retryDue: async () => 0 },
        openApi: () => {
          throw new Error("no token");
        },
      };
      const report = await sweep(context, mode, {
        onProgress: ({ step }) => {
          spent[step] = (spent[step] ?? 0) + performance.now() - since;
          since = performance.now();
        },
      });
      const milliseconds = performance.now() - started;
      if ("skipped" in report || !report.success) throw new Error(JSON.stringify(report));
      const { checked, time_decayed, drifted, created, complete } = report;
      const parts = Object.entries(spent).map(([step, ms]) => `${step} ${Math.round(ms)} ms`);
      return {
        what,
        milliseconds,
        detail: `${checked} checked, ${time_decayed} by the clock, ${drifted} drifted, ${created} created, complete ${complete}; ${parts.join(", ")}`,
      };
    };

    const figures = [
      await measure("nothing wrong, first", "recent"),
      await measure("nothing wrong, again", "recent"),
      await measure("nothing wrong, full", "full"),
    ];
    now = new Date(now.getTime() + DAY_MS);
    figures.push(await measure("a day later", "recent"));
    await database.pool.query("update customer_analytics set total_visits = total_visits + 1");
    figures.push(await measure("every row wrong", "recent"));
    return figures;
  });
}
