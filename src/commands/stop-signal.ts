/**
 * npm passes the signal of Ctrl-C on to its script, which has got it already. So signals of one second are one wish
 * to stop.
 */
const ONE_WISH_MS = 1_000;

/** Calls `stop` at the first SIGINT or SIGTERM. A later one exits at once with 1. */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): void {
  let first: number | undefined;
  const receive = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      first = performance.now();
      stop(signal);
    } else if (performance.now() - first > ONE_WISH_MS) process.exit(1);
  };
  process.on("SIGINT", receive);
  process.on("SIGTERM", receive);
}
