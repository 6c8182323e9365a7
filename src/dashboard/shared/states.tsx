import { Component, type ReactNode } from "react";
import { ApiError } from "../api/client.js";
import { PageHead } from "./page.js";
import "./states.css";

const LINES = Array.from({ length: 20 }, (_, line) => `line ${line}`);

/** Stands in for what is on its way, at about its height. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div className="skeleton" aria-busy="true">
      <span className="visually-hidden">Loading</span>
      {LINES.slice(0, lines).map((line) => (
        <span key={line} />
      ))}
    </div>
  );
}

/** Stands in for a number in its line, so that nothing moves when it comes. */
export function Pending() {
  return (
    <span className="muted" aria-busy="true">
      …
    </span>
  );
}

/** Nothing to show, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <p className="muted">{children}</p>}
    </div>
  );
}

/** What went wrong in this part of the page; the rest of it stays. */
export function Failure({
  title,
  error,
  retry,
}: {
  /** Of the part, where no heading stands above. */
  title?: string;
  error: Error;
  retry?: () => unknown;
}) {
  const code = error instanceof ApiError ? error.code : undefined;
  return (
    <div className="failure" role="alert">
      {title && <h2>{title}</h2>}
      <p>
        {error.message} {code && <code>{code}</code>}
      </p>
      {retry && (
        <button type="button" className="button" onClick={() => retry()}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Shows a page that could not be drawn as a failure. The navigation around it stays. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="stack">
        <PageHead
          title="This page cannot be shown"
          sentence="The others can. This one may be shown when it is tried again."
        />
        <Failure error={error} retry={() => window.location.reload()} />
      </div>
    );
  }
}
