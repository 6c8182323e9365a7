import { type ReactNode, useCallback } from "react";
import { useAddress } from "./address.js";
import { OPEN, openNames, withOpen } from "./open-names.js";

/**
 * Whether something folded is open, which lies in the address. Opening it adds no step to go back.
 *
 * @param name without a comma, and of one thing of the page only
 */
export function useOpen(name: string): [isOpen: boolean, setOpen: (isOpen: boolean) => void] {
  const { parameters, change } = useAddress();
  const names = openNames(parameters);
  const setOpen = useCallback(
    // The address of the moment: two folds may move in one.
    (isOpen: boolean) => {
      const now = openNames(new URLSearchParams(window.location.search));
      change({ [OPEN]: withOpen(now, name, isOpen) }, { replace: true });
    },
    [name, change],
  );
  return [names.includes(name), setOpen];
}

/** A folded part of a page. @param name as `useOpen` takes it */
export function Fold({
  name,
  summary,
  className,
  children,
}: {
  name: string;
  summary: ReactNode;
  className?: string;
  children: ReactNode;
}) {
  const [isOpen, setOpen] = useOpen(name);
  return (
    <details
      open={isOpen}
      className={className}
      onToggle={({ currentTarget: { open } }) => open !== isOpen && setOpen(open)}
    >
      <summary>{summary}</summary>
      {children}
    </details>
  );
}
