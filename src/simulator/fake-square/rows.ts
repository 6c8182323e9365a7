/** Whether an instant lies in [from, to); an absent end is open. */
export function within(instant: number, from: number | undefined, to: number | undefined): boolean {
  return (from === undefined || instant >= from) && (to === undefined || instant < to);
}

/** Sorted by an instant, then by id. */
export function byTime<Item>(
  items: readonly Item[],
  instant: (item: Item) => number,
  id: (item: Item) => string,
  order: "ASC" | "DESC" = "ASC",
): readonly Item[] {
  const sign = order === "ASC" ? 1 : -1;
  return items
    .map((item) => ({ item, at: instant(item), id: id(item) }))
    .sort((a, b) => sign * (a.at - b.at || (a.id < b.id ? -1 : 1)))
    .map(({ item }) => item);
}
