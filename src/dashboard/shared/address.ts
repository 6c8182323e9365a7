/** The page's state lies in its address: period, place, filters, sort and open panels. */
import { useCallback } from "react";
import { useSearchParams } from "wouter";

export type Changes = Readonly<Record<string, string | undefined>>;

/** The address's parameters, and how to change some of them. `undefined` and the empty text leave a parameter out. */
export function useAddress() {
  const [parameters, setParameters] = useSearchParams();
  const change = useCallback(
    (changes: Changes, { replace = false } = {}) =>
      setParameters(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [name, value] of Object.entries(changes)) {
            if (value === undefined || value === "") next.delete(name);
            else next.set(name, value);
          }
          return next;
        },
        { replace },
      ),
    [setParameters],
  );
  return { parameters, change };
}
