import { LockedElsewhere } from "../errors.js";
import { isOutOfMemory, isTooSlow, isUnavailable } from "./failures.js";

/**
 * Runs `work` over the items. If it fails, each half runs alone, and so on until the failing item is alone. That item
 * goes to `failed`. All other items are processed.
 *
 * @param failed may return a result for the failing item
 * @returns the results of the parts, in the order of their items
 * @throws LockedElsewhere without halving, because every half with the locked row would wait again
 * @throws what `work` threw when the database is unavailable
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
    // A large part can need too much memory or time. A smaller part may succeed.
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
