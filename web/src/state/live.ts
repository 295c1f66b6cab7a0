/** The live stream: readings as they arrive, the server's clock, and an honest word when it is cut. */
import { batch, computed, signal, type Signal } from "@preact/signals";
import { get, loggedIn } from "../api/client";
import { Pace } from "./pace";

/** The newest value of a point. */
export interface Live {
  at_ms: number;
  value: number;
  quality: number;
}

interface LiveReading extends Live {
  point: number;
}

/** What the stream tells of besides readings. */
export type Happening = "incident" | "inbox" | "quarantine" | "open" | "reading";

const SILENCE_MS = 25_000; // two and a half heartbeats
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

const points = new Map<number, Signal<Live | undefined>>();
const listeners = new Set<(kind: Happening) => void>();
const pace = new Pace();

/** connecting: never open yet; open; lost: was open once, or the first tries failed. */
export const connection = signal<"connecting" | "open" | "lost">("connecting");

/** The server's time when the stream broke. */
export const lostSince = signal(0);

/** The server's clock, moved on every second; 0 before the first word from it. */
export const now = signal(0);

/** When the last reading of any point arrived, by the server's clock. */
export const lastReading = signal(0);

export const stale = computed(() => connection.value === "lost");

let source: EventSource | undefined;
let attempts = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let heard = 0;

/** The signal that carries a point's newest value; subscribed components change in place. */
export function live(point: number): Signal<Live | undefined> {
  let found = points.get(point);
  if (found === undefined) {
    found = signal<Live | undefined>(undefined);
    points.set(point, found);
  }
  return found;
}

/** Calls `listener` at every event; returns how to stop. */
export function onHappening(listener: (kind: Happening) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Tells the page's clock what time the server has. */
export function setClock(now_ms: number): void {
  pace.hear(now_ms, performance.now());
  tick();
}

function tick(): void {
  const value = pace.now(performance.now());
  if (value > 0) now.value = value;
}

function tell(kind: Happening): void {
  for (const listener of listeners) listener(kind);
}

function take(readings: LiveReading[]): void {
  batch(() => {
    let newest = lastReading.value;
    for (const reading of readings) {
      const known = live(reading.point);
      const before = known.value;
      // A late reading belongs to the past; it never replaces a newer one.
      if (before === undefined || reading.at_ms >= before.at_ms) known.value = reading;
      if (reading.at_ms > newest) newest = reading.at_ms;
    }
    lastReading.value = newest;
  });
  tell("reading");
}

function parsed(event: Event): unknown {
  heard = performance.now();
  try {
    return JSON.parse((event as MessageEvent<string>).data) as unknown;
  } catch {
    return undefined; // an event from a newer server than this page; the next refetch has it
  }
}

function lose(): void {
  source?.close();
  source = undefined;
  if (connection.value !== "lost") {
    batch(() => {
      connection.value = "lost";
      lostSince.value = now.value;
    });
    pace.stop(performance.now());
  }
  const base = BACKOFF_MS[Math.min(attempts, BACKOFF_MS.length - 1)] ?? 15_000;
  attempts += 1;
  clearTimeout(retry);
  retry = setTimeout(connect, base * (0.75 + Math.random() / 2));
}

/** Opens the stream, and again whenever it breaks. */
export function connect(): void {
  clearTimeout(retry);
  source?.close();
  const opened = new EventSource("/api/v1/live");
  source = opened;
  opened.addEventListener("open", () => {
    heard = performance.now();
    attempts = 0;
    connection.value = "open";
    tell("open");
  });
  opened.addEventListener("reading", (event) => {
    const readings = parsed(event);
    if (Array.isArray(readings)) take(readings as LiveReading[]);
  });
  opened.addEventListener("heartbeat", (event) => {
    const beat = parsed(event) as { now_ms?: number } | undefined;
    if (beat?.now_ms !== undefined) setClock(beat.now_ms);
  });
  for (const kind of ["incident", "inbox", "quarantine"] as const) {
    opened.addEventListener(kind, () => {
      heard = performance.now();
      tell(kind);
    });
  }
  opened.addEventListener("error", () => {
    if (source !== opened) return;
    lose();
    // EventSource hides the status; a plain request tells "logged out" from "no server".
    get("/me").catch(() => undefined);
  });
}

/** Closes the stream, at log-out. */
export function disconnect(): void {
  clearTimeout(retry);
  source?.close();
  source = undefined;
  connection.value = "connecting";
}

setInterval(() => {
  if (connection.value === "open") tick();
  if (source !== undefined && connection.value === "open" && performance.now() - heard > SILENCE_MS) {
    lose();
  }
}, 1_000);

// A phone that wakes up, or a cable put back, should not wait for the next try.
addEventListener("online", wake);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") wake();
});

function wake(): void {
  if (connection.value === "lost" && loggedIn.value === true) {
    attempts = 0;
    connect();
  }
}
