/** Addresses of the page: plain links, the browser's own back and forward. */
import { computed, signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";

const path = signal(location.pathname);
const query = signal(location.search);

/** The parts of the address, e.g. ["incidents", "12"]. */
export const route = computed(() => path.value.split("/").filter((part) => part !== ""));

/** The address's parameters. */
export const params = computed(() => new URLSearchParams(query.value));

addEventListener("popstate", read);

function read(): void {
  path.value = location.pathname;
  query.value = location.search;
}

/** Goes to another page, like a link. */
export function go(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace === true) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  const before = path.value;
  read();
  if (path.value !== before) {
    scrollTo(0, 0);
    // A screen reader starts at the new page's heading, as after a full load.
    requestAnimationFrame(() => document.getElementById("main")?.focus({ preventScroll: true }));
  }
}

/** Changes one parameter of the address without a new page. */
export function setParam(name: string, value: string): void {
  const next = new URLSearchParams(query.value);
  if (value === "") next.delete(name);
  else next.set(name, value);
  const text = next.toString();
  go(path.value + (text === "" ? "" : `?${text}`), { replace: true });
}

type LinkProps = Omit<JSX.IntrinsicElements["a"], "href"> & {
  to: string;
  children?: ComponentChildren;
};

/** A real link that does not load the page again. */
export function Link({ to, children, ...rest }: LinkProps): JSX.Element {
  return (
    <a
      {...rest}
      href={to}
      onClick={(event) => {
        if (event.defaultPrevented || event.button !== 0) return;
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
