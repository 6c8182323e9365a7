import { Fragment } from "react";
import type { Kpi } from "../api/types.js";
import { Figure } from "../shared/figure.js";
import { change as inWords, money } from "../shared/format.js";
import { type MeasureName, measured, measures } from "../shared/measures.js";
import { Pending } from "../shared/states.js";

const CHAIN: readonly (readonly [sign: string, spoken: string, name: MeasureName])[] = [
  ["", "", "revenue_cents"],
  ["+", "plus", "tips_cents"],
  ["=", "makes", "gross_cents"],
  ["−", "less", "refunded_cents"],
  ["=", "leaves", "net_cents"],
];

/** Money as one sum: apart, a net above the revenue looks like a mistake. */
export function MoneyChain({ kpi }: { kpi: Kpi | undefined }) {
  return (
    <section className="card money" aria-label="Money">
      <div className="money-chain">
        {CHAIN.map(([sign, spoken, name]) => (
          <Fragment key={name}>
            {sign !== "" && (
              <span className="money-sign">
                <span aria-hidden="true">{sign}</span>
                <span className="visually-hidden">{spoken}</span>
              </span>
            )}
            <div className="money-part">
              <h2 className="tile-label">{measures[name].label}</h2>
              <p className="money-value">
                {kpi ? <Figure explain={`kpi/${name}`}>{measured(name, kpi.current)}</Figure> : <Pending />}
              </p>
              <p className="small muted">{kpi ? inWords(kpi.change[name]) : <Pending />}</p>
            </div>
          </Fragment>
        ))}
      </div>
      <p className="small muted">{kpi ? <Unassigned kpi={kpi} /> : <Pending />}</p>
    </section>
  );
}

/** What the money of the page leaves out, or has without a customer, so that totals agree. */
function Unassigned({ kpi: { current } }: { kpi: Kpi }) {
  return (
    <>
      Of the revenue,{" "}
      <Figure explain="kpi/unassigned_revenue_cents">{measured("unassigned_revenue_cents", current)}</Figure>{" "}
      comes from payments without a customer.
      {current.other_currencies.map((other) => (
        <Fragment key={other.currency}>
          {" "}
          In {other.currency}: {money(other.net_cents, other.currency)} net.
        </Fragment>
      ))}
    </>
  );
}
