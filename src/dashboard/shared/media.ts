import { useSyncExternalStore } from "react";

const narrow = window.matchMedia("(max-width: 799px)");

const subscribe = (watcher: () => void) => {
  narrow.addEventListener("change", watcher);
  return () => narrow.removeEventListener("change", watcher);
};

/** Whether the page is as narrow as a phone. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches);
}
