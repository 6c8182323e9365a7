import { useQuery } from "@tanstack/react-query";
import { ask, withQuery } from "../api/client.js";
import type { Kpi } from "../api/types.js";
import { useApiPath } from "../shared/organization.js";
import { useScope } from "../shared/scope.js";

/** The numbers of the scope, and the address that answers them. */
export function useKpi() {
  const { query: asked } = useScope();
  const path = useApiPath();
  const url = withQuery(path("kpi"), asked);
  return { url, kpi: useQuery({ queryKey: ["kpi", url], queryFn: () => ask<Kpi>(url) }) };
}
