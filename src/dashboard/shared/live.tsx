import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { Live, type LiveSnapshot } from "../api/live.js";
import { useOrganization } from "./organization.js";

const Context = createContext<Live | undefined>(undefined);

export function WithLive({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { id } = useOrganization();
  const live = useMemo(() => new Live(queries, id), [queries, id]);
  useEffect(() => live.start(), [live]);
  return <Context value={live}>{children}</Context>;
}

/** Needs `WithLive` above. */
export function useLive(): LiveSnapshot {
  const live = useContext(Context);
  if (!live) throw new Error("There is no stream above this component.");
  return useSyncExternalStore(live.subscribe, live.snapshot);
}
