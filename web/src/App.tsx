/** Which page stands at which address. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useEffect } from "preact/hooks";
import { loggedIn } from "./api/client";
import { connection } from "./state/live";
import { Login, logIn } from "./pages/Login";
import { Today } from "./pages/Today";
import { route } from "./router";
import { enter, leave } from "./state/site";
import { Shell } from "./ui/Shell";

const Usage = lazy(() => import("./pages/Usage"));
const Cold = lazy(() => import("./pages/Cold"));
const Incidents = lazy(() => import("./pages/Incidents"));
const Incident = lazy(() => import("./pages/Incident"));
const Devices = lazy(() => import("./pages/Devices"));
const Device = lazy(() => import("./pages/Device"));
const Inbox = lazy(() => import("./pages/Inbox"));
const Quarantine = lazy(() => import("./pages/Quarantine"));
const Term = lazy(() => import("./pages/Term"));
const System = lazy(() => import("./pages/System"));

function Here(): JSX.Element {
  const [first = "", second = ""] = route.value;
  const id = Number(second);
  switch (first) {
    case "electricity":
    case "water":
      return <Usage key={first} kind={first} />;
    case "term":
      return <Term />;
    case "cold":
      return <Cold />;
    case "incidents":
      return id > 0 ? <Incident key={id} id={id} /> : <Incidents />;
    case "devices":
      return id > 0 ? <Device key={id} id={id} /> : <Devices />;
    case "inbox":
      return <Inbox />;
    case "quarantine":
      return <Quarantine />;
    case "system":
      return <System />;
    default:
      return <Today />;
  }
}

const starting = signal(true);

/** The link printed at the start carries the token behind "#": it never reaches a server's log. */
function tokenOfAddress(): string {
  const found = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (found !== "") history.replaceState(null, "", location.pathname + location.search);
  return found;
}

async function begin(): Promise<void> {
  const token = tokenOfAddress();
  try {
    await (token === "" ? enter() : logIn(token));
  } catch {
    if (loggedIn.value === null) {
      loggedIn.value = false;
      connection.value = "connecting";
    }
  } finally {
    starting.value = false;
  }
}

/** The whole page. */
export function App(): JSX.Element | null {
  useEffect(() => {
    void begin();
  }, []);
  useEffect(() => loggedIn.subscribe((value) => {
    if (value === false && !starting.value) leave();
  }), []);
  if (starting.value) return null;
  if (loggedIn.value !== true) return <Login />;
  return (
    <Shell>
      <Suspense fallback={<div class="page" />}>
        <Here />
      </Suspense>
    </Shell>
  );
}
