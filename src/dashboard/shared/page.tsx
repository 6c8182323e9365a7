import { type ReactNode, useEffect } from "react";
import { asCsv, withQuery } from "../api/client.js";
import "./page.css";

/** A page's heading, the sentence under it that says period, place and time zone, and its controls. */
export function PageHead({
  title,
  label = String(title),
  sentence,
  children,
}: {
  title: ReactNode;
  /** The title of the window, when it is not the heading. */
  label?: string;
  sentence: ReactNode;
  children?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${label} · Regulars`;
  }, [label]);
  return (
    <div className="page-head">
      <div>
        <h1>{title}</h1>
        <p className="muted">{sentence}</p>
      </div>
      {children}
    </div>
  );
}

/** A part of a page. */
export function Card({ children, label }: { children: ReactNode; label?: string }) {
  return (
    <section className="card" {...(label !== undefined && { "aria-label": label })}>
      {children}
    </section>
  );
}

/** What a list shows, for a spreadsheet and for a program. */
export function Downloads({
  of,
  query,
}: {
  of: string;
  query: Readonly<Record<string, string | number | undefined>>;
}) {
  const url = withQuery(of, query);
  return (
    <span className="row small">
      <a href={asCsv(url)} download>
        CSV
      </a>
      <a href={url} target="_blank" rel="noreferrer">
        JSON
      </a>
    </span>
  );
}

/** Opens an answer as the API gives it. @param label tells a screen reader what it is, where a page has several */
export function JsonButton({ url, label }: { url: string; label?: string }) {
  return (
    <a className="button" href={url} target="_blank" rel="noreferrer" aria-label={label}>
      JSON
    </a>
  );
}
