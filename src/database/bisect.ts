import { LockedElsewhere } from "../errors.js";
import { isOutOfMemory, isTooSlow, isUnavailable } from "./failures.js";

/**
 * Runs `work` over the items. If it fails, they are halved, and the halves again, until the culprit stands alone; it is given to
 * `failed`, and harms no neighbour.
 *
 * @param failed may answer a result in the place of the one that the culprit has not
 * @returns the results of the parts, in the order of their items
 * @throws when the database is unavailable, and LockedElsewhere: every half that holds the locked row would wait again
 */
export async function bisectOnFailure<Item, Result>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<Result>,
  // biome-ignore lint/suspicious/noConfusingVoidType: most callers only note the failure.
  failed: (item: Item, error: unknown) => Result | Promise<Result> | void,
): Promise<Result[]> {
  if (items.length === 0) return [];
  try {
    return [await work(items)];
  } catch (error) {
    if (error instanceof LockedElsewhere) throw error;
    // So many at once can need more memory or time than there is; fewer may not.
    if (isUnavailable(error) && !isOutOfMemory(error) && !isTooSlow(error)) throw error;
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      const instead = await failed(only, error);
      return instead === undefined ? [] : [instead];
    }
    const middle = Math.ceil(items.length / 2);
    const first = await bisectOnFailure(items.slice(0, middle), work, failed);
    return [...first, ...(await bisectOnFailure(items.slice(middle), work, failed))];
  }
}
