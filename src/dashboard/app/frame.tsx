import { type ReactNode, useLayoutEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { signOut } from "../api/client.js";
import { useAddress } from "../shared/address.js";
import { useLive } from "../shared/live.js";
import { useOrganizations } from "../shared/organization.js";
import "./frame.css";

const PAGES = [
  { path: "/", label: "Today" },
  { path: "/customers", label: "Customers" },
  { path: "/team", label: "Team" },
  { path: "/admin/jobs/status", label: "Trust" },
  { path: "/columns", label: "Dictionary" },
] as const;

/** What all pages share: the navigation, whose data it is, and whether it is live. */
export function Frame({ leave, children }: { leave: () => void; children: ReactNode }) {
  const [path] = useLocation();
  const { current, all } = useOrganizations();
  const { parameters, change } = useAddress();
  // Period, place and seller stay from page to page; filters and panels do not.
  const kept = new URLSearchParams(
    [...parameters].filter(([name]) => ["organization", "period", "from", "to", "location"].includes(name)),
  ).toString();
  const content = useNewPage(path);
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="frame-head">
        <div className="frame-bar">
          <span className="brand">Regulars</span>
          <nav aria-label="Pages">
            {PAGES.map((page) => {
              const isHere = page.path === "/" ? path === "/" : path.startsWith(page.path);
              return (
                <Link
                  key={page.path}
                  href={kept ? `${page.path}?${kept}` : page.path}
                  aria-current={isHere ? "page" : undefined}
                >
                  {page.label}
                </Link>
              );
            })}
          </nav>
          <div className="frame-side">
            <LiveDot />
            {all.length > 1 ? (
              <select
                className="field"
                aria-label="Seller"
                value={current.id}
                onChange={({ target }) => change({ organization: target.value, location: undefined })}
              >
                {all.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            ) : (
              <span className="frame-seller">{current.name}</span>
            )}
            <button type="button" className="quiet-button" onClick={() => signOut().finally(leave)}>
              Sign out
            </button>
          </div>
        </div>
      </header>
      {current.status !== "active" && (
        <p className="frame-warning" role="status">
          This seller is {current.status}: nothing is asked of Square. Connect it again to go on.
        </p>
      )}
      <main id="content" tabIndex={-1} ref={content}>
        {children}
      </main>
    </>
  );
}

/** Another page begins at its top and gets the focus. Back and forward leave the place to the browser. */
function useNewPage(path: string) {
  const content = useRef<HTMLElement>(null);
  const [shown, isBack] = [useRef(path), useRef(false)];
  useLayoutEffect(() => {
    const note = () => {
      isBack.current = true;
    };
    window.addEventListener("popstate", note, { capture: true });
    return () => window.removeEventListener("popstate", note, { capture: true });
  }, [isBack]);
  useLayoutEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    content.current?.focus({ preventScroll: true });
    if (!isBack.current) window.scrollTo(0, 0);
    isBack.current = false;
  }, [path, shown, isBack]);
  return content;
}

const LIVE_WORDS = {
  live: ["Live", "Changes arrive as they happen."],
  connecting: ["Connecting", "The stream of changes is being opened."],
  lost: ["Polling", "The stream is lost. The numbers are asked for every 5 seconds."],
} as const;

function LiveDot() {
  const { state } = useLive();
  const [word, title] = LIVE_WORDS[state];
  return (
    <span className={`live live-${state}`} title={title}>
      {word}
    </span>
  );
}
