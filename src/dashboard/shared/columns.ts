import { useQuery } from "@tanstack/react-query";
import { ask } from "../api/client.js";
import type { ColumnEntry, Columns } from "../api/types.js";

/** The dictionary; it changes with the server's version only. */
export function useColumns() {
  return useQuery({
    queryKey: ["columns"],
    queryFn: () => ask<Columns>("/api/columns"),
    staleTime: Number.POSITIVE_INFINITY,
    meta: { fixed: true },
  });
}

/** One column of the dictionary; a plain text until it is there. */
export function entryOf(columns: Columns | undefined, name: string): ColumnEntry {
  return (
    columns?.columns.find((column) => column.name === name) ?? {
      name,
      type: "text",
      unit: null,
      description: "",
      sql: "",
      nullable: true,
      clock_driven: false,
    }
  );
}
