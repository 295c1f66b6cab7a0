/** Reads of the API that keep themselves fresh: kept between pages, again when something happened. */
import { signal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Failure, get } from "../api/client";
import { onHappening, setClock, type Happening } from "./live";

/** One read: what is known, what failed, and whether it is slow enough for a skeleton. */
export interface Query<T> {
  data: Signal<T | undefined>;
  failure: Signal<Failure | undefined>;
  slow: Signal<boolean>;
}

interface Entry extends Query<unknown> {
  running: boolean;
  again: boolean;
  fetched: number;
}

const SKELETON_MS = 300;
const KEEP = 40;
const entries = new Map<string, Entry>();

function entryOf(path: string): Entry {
  let entry = entries.get(path);
  if (entry === undefined) {
    entry = {
      data: signal<unknown>(undefined),
      failure: signal<Failure | undefined>(undefined),
      slow: signal(false),
      running: false,
      again: false,
      fetched: -Infinity,
    };
  } else {
    entries.delete(path); // newest last, so that the oldest falls out first
  }
  entries.set(path, entry);
  for (const key of entries.keys()) {
    if (entries.size <= KEEP) break;
    entries.delete(key);
  }
  return entry;
}

async function load(path: string, entry: Entry): Promise<void> {
  if (entry.running) {
    entry.again = true;
    return;
  }
  entry.running = true;
  const timer = setTimeout(() => {
    entry.slow.value = true;
  }, SKELETON_MS);
  try {
    const data = await get<unknown>(path);
    entry.data.value = data;
    entry.failure.value = undefined;
    const clock = (data as { now_ms?: unknown } | null | undefined)?.now_ms;
    if (typeof clock === "number") setClock(clock);
  } catch (error) {
    entry.failure.value = error instanceof Failure ? error : new Failure(0, "offline", "");
  } finally {
    clearTimeout(timer);
    entry.slow.value = false;
    entry.running = false;
    entry.fetched = performance.now();
  }
  if (entry.again) {
    entry.again = false;
    await load(path, entry);
  }
}

/** Reads again every kept address that starts so; after a change made here. */
export function refresh(prefix = ""): void {
  for (const [path, entry] of entries) {
    if (!path.startsWith(prefix)) continue;
    if (entry.data.value !== undefined || entry.failure.value !== undefined) void load(path, entry);
  }
}

/** Forgets everything, at log-out. */
export function forget(): void {
  entries.clear();
}

interface Options {
  on?: readonly Happening[];
  every_ms?: number;
}

/** Reads `path` (empty: nothing yet) and again at `on` events and every so often. */
export function useQuery<T>(path: string, { on = [], every_ms = 30_000 }: Options = {}): Query<T> {
  const entry = entryOf(path);
  const kinds = on.join();
  useEffect(() => {
    if (path === "") return undefined;
    if (performance.now() - entry.fetched > 1_000) void load(path, entry);
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const stop = onHappening((kind) => {
      if (kind !== "open" && !kinds.split(",").includes(kind)) return;
      // A burst of events is one reason to read again, not many.
      waiting ??= setTimeout(() => {
        waiting = undefined;
        void load(path, entry);
      }, kind === "open" ? 0 : 250);
    });
    const timer =
      every_ms > 0
        ? setInterval(() => {
            if (document.visibilityState === "visible") void load(path, entry);
          }, every_ms)
        : undefined;
    return () => {
      stop();
      clearTimeout(waiting);
      clearInterval(timer);
    };
  }, [path, entry, kinds, every_ms]);
  return entry as Query<T>;
}
