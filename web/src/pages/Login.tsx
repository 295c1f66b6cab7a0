/** The door: one field, one button. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { change, Failure } from "../api/client";
import { enter } from "../state/site";
import { t } from "../texts";
import { Brand, Switches } from "../ui/Shell";
import { Note } from "../ui/parts";

/** Logs in with a token; the server answers with a cookie that scripts cannot read. */
export async function logIn(token: string): Promise<void> {
  await change("POST", "/login", { token: token.trim() });
  await enter();
}

export function Login(): JSX.Element {
  const token = useSignal("");
  const wrong = useSignal("");
  const busy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const words = t().login;
  document.title = `${words.title} · ${t().name}`;
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    busy.value = true;
    wrong.value = "";
    try {
      await logIn(token.value);
    } catch (error) {
      const offline = error instanceof Failure && (error.offline || error.status >= 500);
      wrong.value = offline ? words.offline : words.wrong;
      field.current?.focus();
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="login">
      <div>
        <form class="card form" onSubmit={submit}>
          <Brand />
          <h1>{words.title}</h1>
          <p class="quiet">{words.lead}</p>
          <label class="field">
            {words.token}
            <input
              ref={field}
              type="password"
              data-testid="login-token"
              name="token"
              autocomplete="current-password"
              required
              value={token}
              onInput={(event) => (token.value = event.currentTarget.value)}
            />
          </label>
          {wrong.value !== "" && <Note bad>{wrong.value}</Note>}
          <button class="button primary" type="submit" disabled={busy} data-testid="login-submit">
            {words.button}
          </button>
        </form>
        <Switches />
      </div>
    </main>
  );
}
