import { type FormEvent, useState } from "react";
import { signIn } from "../api/client.js";
import "../shared/controls.css";
import "./sign-in.css";

/** Exchanges the admin key for a session. The address stays, so the page that was asked for opens afterwards. */
export function SignIn({ enter, refused }: { enter: () => void; refused: Error | undefined }) {
  const [error, setError] = useState(refused);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get("key"));
    setBusy(true);
    await signIn(key).then(enter, setError);
    setBusy(false);
  };
  return (
    <main className="sign-in">
      <h1>Regulars</h1>
      <form onSubmit={submit}>
        <label htmlFor="key">Admin key</label>
        <input
          className="field"
          id="key"
          name="key"
          type="password"
          autoComplete="current-password"
          required
          // biome-ignore lint/a11y/noAutofocus: the page has one field.
          autoFocus
          aria-describedby="key-help"
        />
        <button type="submit" className="button button-main" disabled={busy}>
          Sign in
        </button>
        <p id="key-help" className="small muted">
          It is the server&apos;s <code>ADMIN_API_KEY</code>. The session ends after 12 hours.
        </p>
        <p role="alert" className="small bad">
          {error && wordsFor(error)}
        </p>
      </form>
    </main>
  );
}

function wordsFor(error: Error): string {
  return "code" in error && error.code === "unauthorized" ? "This is not the key." : error.message;
}
