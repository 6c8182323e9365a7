import { type ReactNode, useLayoutEffect, useRef } from "react";
import { useAddress } from "./address.js";
import { ExplainColumn } from "./explain-column.js";
import { ExplainMeasure, ExplainTeam } from "./explain-measure.js";
import { ExplainRetention } from "./explain-retention.js";
import { ExplainMovement, ExplainSegment } from "./explain-segments.js";
import { ExplainUpcoming } from "./explain-upcoming.js";
import { Placed } from "./scope.js";
import "./explain.css";

/** Where a number comes from, beside the page. Which number, the address says. */
export function ExplainPanel() {
  const { parameters, change } = useAddress();
  const explain = parameters.get("explain");
  if (explain === null) return null;
  return (
    <Panel key={explain} close={() => change({ explain: undefined })}>
      <Explanation explain={explain} />
    </Panel>
  );
}

function Explanation({ explain }: { explain: string }) {
  const [kind, ...rest] = explain.split("/");
  const [first = "", second = ""] = rest;
  switch (kind) {
    case "segment":
      return <ExplainSegment name={first} />;
    case "movement":
      return <ExplainMovement from={first} to={second} />;
    case "customer":
      return <ExplainColumn customerId={rest.slice(0, -1).join("/")} column={rest.at(-1) ?? ""} />;
    case "kpi":
      return (
        <Placed>
          <ExplainMeasure name={first} />
        </Placed>
      );
    case "upcoming":
      return (
        <Placed>
          <ExplainUpcoming />
        </Placed>
      );
    case "retention":
      return (
        <Placed>
          <ExplainRetention by={first} counted={second} cohort={rest.slice(2).join("/")} />
        </Placed>
      );
    case "team":
      return (
        <Placed>
          <ExplainTeam name={first} teamMemberId={rest.slice(1).join("/")} />
        </Placed>
      );
    default:
      return <p>There is no such number.</p>;
  }
}

function Panel({ close, children }: { close: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  // A layout effect ends while the dialog is still in the document. Only then does the browser give the focus back.
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="explain"
      aria-label="Where this number comes from"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={({ target, currentTarget }) => target === currentTarget && close()}
      onKeyDown={({ key }) => key === "Escape" && close()}
    >
      <div className="explain-content">
        <button type="button" className="explain-close" aria-label="Close" onClick={close}>
          ×
        </button>
        {children}
      </div>
    </dialog>
  );
}
