import { createRoot } from "react-dom/client";
import { signIn } from "./api/client.js";
import { App } from "./app/app.js";
import "./styles/tokens.css";
import "./styles/base.css";

/** `#key=...` in the address is exchanged for a session and erased, before anything else can read it. */
async function exchangeKey(): Promise<Error | undefined> {
  const key = new URLSearchParams(window.location.hash.slice(1)).get("key");
  if (key === null) return undefined;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  // What the page asks for ahead went without the session. Its refusal is fetched here, so that nobody else gets it.
  fetch("/api/organizations").catch(() => {});
  return signIn(key).then(
    () => undefined,
    (error: Error) => error,
  );
}

const refused = await exchangeKey();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App refused={refused} />);
