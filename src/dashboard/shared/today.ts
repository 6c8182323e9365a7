/** Which day it is, the same for all parts of a page: after midnight they move to the new day together. */
import { useCallback, useSyncExternalStore } from "react";
import { dayIn } from "./format.js";

const LOOK_EVERY_MS = 30_000;

let now = new Date();
const readers = new Set<() => void>();
let stop: (() => void) | undefined;

function look(): void {
  now = new Date();
  for (const reader of readers) reader();
}

/** Looks at the clock from the first reader to the last, also when the page is seen again. */
function listen(reader: () => void): () => void {
  readers.add(reader);
  if (!stop) {
    const timer = setInterval(look, LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", look);
    stop = () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }
  return () => {
    readers.delete(reader);
    if (readers.size > 0) return;
    stop?.();
    stop = undefined;
  };
}

/** Today in a time zone, `YYYY-MM-DD`. */
export function useToday(timeZone: string): string {
  return useSyncExternalStore(
    listen,
    useCallback(() => dayIn(now, timeZone), [timeZone]),
  );
}
