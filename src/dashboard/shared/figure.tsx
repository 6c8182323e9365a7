import type { ReactNode } from "react";
import { useAddress } from "./address.js";
import "./figure.css";

/**
 * A number that opens its explanation.
 *
 * @param explain `kpi/NAME`, `upcoming`, `segment/NAME`, `movement/FROM/TO`, `team/NAME/TEAM_MEMBER`,
 *   `retention/BY/NAME/COHORT`, or `customer/ID/COLUMN`
 */
export function Figure({
  explain,
  label,
  children,
}: {
  explain: string;
  label?: string;
  children: ReactNode;
}) {
  const { change } = useAddress();
  return (
    <button
      type="button"
      className="figure"
      aria-haspopup="dialog"
      {...(label !== undefined && { "aria-label": label })}
      onClick={() => change({ explain })}
    >
      {children}
    </button>
  );
}
