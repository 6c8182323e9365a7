import type { AttackResult } from "./run.js";
import type { Counts } from "./tally.js";

export interface Summary {
  readonly seed: string;
  readonly holds: boolean;
  readonly interrupted: boolean;
  readonly total: Counts;
  readonly attacks: readonly {
    readonly name: string;
    readonly holds: boolean;
    readonly seconds: number;
    readonly counts: Counts;
    readonly figures: Readonly<Record<string, number | string>>;
    readonly broken: readonly string[];
  }[];
}

export function summarize(seed: string, results: readonly AttackResult[], interrupted: boolean): Summary {
  const total: Counts = { faults: 0, sent: 0, acknowledged: 0, lost: 0, rowsCompared: 0, rowsWrong: 0 };
  for (const { tally } of results) {
    for (const name of Object.keys(total) as (keyof Counts)[]) total[name] += tally.counts[name];
  }
  return {
    seed,
    holds: results.length > 0 && results.every(({ tally }) => tally.holds),
    interrupted,
    total,
    attacks: results.map(({ name, seconds, tally }) => ({
      name,
      holds: tally.holds,
      seconds: Math.round(seconds * 10) / 10,
      counts: tally.counts,
      figures: tally.figures,
      broken: tally.brokenPromises,
    })),
  };
}

/** The summary as text: a line for each attack, the broken promises and the totals. */
export function summaryLines({ seed, holds, interrupted, total, attacks }: Summary): string[] {
  const width = Math.max(...attacks.map(({ name }) => name.length), 0);
  const lines = attacks.flatMap(({ name, holds, seconds, counts, figures, broken }) => [
    `${holds ? "held  " : "BROKEN"}  ${name.padEnd(width)}  ${seconds} s, ${countsText(counts)}${figuresText(figures)}`,
    ...broken.map((line) => `          ${line}`),
  ]);
  return [
    "",
    ...lines,
    "",
    `${holds ? "held" : "BROKEN"}${interrupted ? " (interrupted)" : ""}: ${countsText(total)}; seed ${seed}`,
  ];
}

function countsText(counts: Counts): string {
  return [
    `${counts.faults} faults injected`,
    `${counts.sent} events sent`,
    `${counts.acknowledged} acknowledged`,
    `${counts.lost} lost`,
    `${counts.rowsCompared} rows compared`,
    `${counts.rowsWrong} rows wrong`,
  ].join(", ");
}

function figuresText(figures: Readonly<Record<string, number | string>>): string {
  return Object.entries(figures)
    .map(([name, value]) => `; ${name} ${typeof value === "number" ? Math.round(value * 100) / 100 : value}`)
    .join("");
}
