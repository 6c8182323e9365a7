import { useAddress } from "./address.js";
import { count } from "./format.js";

/** The first `most` of a long list, and the button that shows all. Whether all are shown lies in the address. */
export function useShowAll<Item>(items: readonly Item[], most: number, name: string) {
  const { parameters, change } = useAddress();
  const isAll = items.length <= most || parameters.get("all") === name;
  return {
    shown: isAll ? items : items.slice(0, most),
    rest: !isAll && (
      <button type="button" className="quiet-button" onClick={() => change({ all: name }, { replace: true })}>
        Show all {count(items.length)}
      </button>
    ),
  };
}
