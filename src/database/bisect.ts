import { isOutOfMemory, isTooSlow, isUnavailable } from "./failures.js";

/**
 * Runs `work` over the items. If it fails, they are halved, and the halves again, until the culprit stands alone; it is given to
 * `failed`, and harms no neighbour.
 *
 * @throws when the database is unavailable
 */
export async function bisectOnFailure<Item, Result>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<Result>,
  failed: (item: Item, error: unknown) => void,
): Promise<Result[]> {
  if (items.length === 0) return [];
  try {
    return [await work(items)];
  } catch (error) {
    // So many at once can need more memory or time than there is; fewer may not.
    if (isUnavailable(error) && !isOutOfMemory(error) && !isTooSlow(error)) throw error;
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      failed(only, error);
      return [];
    }
    const middle = Math.ceil(items.length / 2);
    const first = await bisectOnFailure(items.slice(0, middle), work, failed);
    return [...first, ...(await bisectOnFailure(items.slice(middle), work, failed))];
  }
}
