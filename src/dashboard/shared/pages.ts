import { useInfiniteQuery } from "@tanstack/react-query";
import { ask } from "../api/client.js";

/** A list that the API answers in pages. `rows` are those of the pages so far. */
export function usePages<Row>(url: string, list: string) {
  type Page = Record<string, Row[]> & { next_cursor: string | null };
  const query = useInfiniteQuery({
    queryKey: [list, url],
    queryFn: ({ pageParam }) =>
      ask<Page>(pageParam === "" ? url : `${url}&${new URLSearchParams({ cursor: pageParam })}`),
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  return { ...query, rows: query.data?.pages.flatMap((page) => page[list] ?? []) };
}
