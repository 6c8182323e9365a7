import { type ReactNode, useLayoutEffect, useRef } from "react";
import { useAddress } from "./address.js";
import { ExplainColumn } from "./explain-column.js";
import { ExplainMeasure, ExplainTeam } from "./explain-measure.js";
import { ExplainRetention } from "./explain-retention.js";
import { ExplainMovement, ExplainSegment } from "./explain-segments.js";
import { ExplainUpcoming } from "./explain-upcoming.js";
import "./explain.css";

/** Where a number comes from, beside the page. Which number, the address says. */
export function ExplainPanel() {
  const { parameters, change } = useAddress();
  const explain = parameters.get("explain");
  if (explain === null) return null;
  const [kind, ...rest] = explain.split("/");
  const close = () => change({ explain: undefined });
  if (kind === "kpi") return <Panel close={close} content={<ExplainMeasure name={rest.join("/")} />} />;
  if (kind === "upcoming") return <Panel close={close} content={<ExplainUpcoming />} />;
  if (kind === "segment") {
    return <Panel key={explain} close={close} content={<ExplainSegment name={rest.join("/")} />} />;
  }
  if (kind === "movement") {
    const [from = "", to = ""] = rest;
    return <Panel key={explain} close={close} content={<ExplainMovement from={from} to={to} />} />;
  }
  if (kind === "retention") {
    const [by = "", counted = "", ...cohort] = rest;
    const content = <ExplainRetention by={by} counted={counted} cohort={cohort.join("/")} />;
    return <Panel key={explain} close={close} content={content} />;
  }
  if (kind === "team") {
    const [name = "", ...id] = rest;
    const content = <ExplainTeam name={name} teamMemberId={id.join("/")} />;
    return <Panel key={explain} close={close} content={content} />;
  }
  if (kind === "customer") {
    const column = rest.at(-1) ?? "";
    const id = rest.slice(0, -1).join("/");
    return <Panel key={explain} close={close} content={<ExplainColumn customerId={id} column={column} />} />;
  }
  return null;
}

function Panel({ close, content }: { close: () => void; content: ReactNode }) {
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
        {content}
      </div>
    </dialog>
  );
}
