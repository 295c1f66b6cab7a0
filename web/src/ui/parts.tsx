/** The small pieces every page is made of. */
import type { ComponentChildren, JSX } from "preact";
import { useComputed } from "@preact/signals";
import type { Failure } from "../api/client";
import { age, clockTime, dayLong, figure as split, NONE } from "../format";
import { live, now } from "../state/live";
import type { Query } from "../state/query";
import { refresh } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import type { Tone } from "../charts/SmallChart";
import { AlertIcon, CalendarIcon, GoodIcon, InfoIcon, OfflineIcon, UnsureIcon, WarnIcon } from "./Icons";

interface PageProps {
  title: string;
  lead?: ComponentChildren;
  right?: ComponentChildren;
  over?: ComponentChildren;
  children: ComponentChildren;
}

/** A page's frame: heading, one line under it, the state of the data at the right. */
export function Page({ title, lead, right, over, children }: PageProps): JSX.Element {
  document.title = `${title} · ${t().name}`;
  return (
    <div class="page">
      <header class="top">
        <div>
          {over}
          <h1>{title}</h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        {right !== undefined && <div class="right">{right}</div>}
      </header>
      {children}
    </div>
  );
}

interface CardProps {
  title?: ComponentChildren;
  aside?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}

/** A white card. */
export function Card({ title, aside, children, class: extra = "" }: CardProps): JSX.Element {
  return (
    <section class={`card ${extra}`}>
      {(title !== undefined || aside !== undefined) && (
        <header>
          <h2>{title}</h2>
          {aside !== undefined && <span class="aside">{aside}</span>}
        </header>
      )}
      {children}
    </section>
  );
}

/** A heading with content that is not one card. */
export function Section({ title, aside, children }: CardProps): JSX.Element {
  return (
    <section class="section">
      <header>
        <h2>{title}</h2>
        {aside !== undefined && <span class="aside">{aside}</span>}
      </header>
      {children}
    </section>
  );
}

interface FigureProps {
  value: number | null | undefined;
  unit: string;
  digits?: number;
  medium?: boolean;
}

/** A large number with a small unit. */
export function Figure({ value, unit, digits, medium = false }: FigureProps): JSX.Element {
  const parts = split(value, unit, digits);
  return (
    <div class={`figure${medium ? " medium" : ""}`}>
      <b>{parts.number}</b>
      {parts.unit !== "" && <span>{parts.unit}</span>}
    </div>
  );
}

interface LiveProps {
  point: number | null | undefined;
  value: number | null | undefined;
  at_ms?: number | null | undefined;
  unit: string;
  digits?: number;
}

/** The newest of what was read and what arrived since; changes in place. */
export function useLive(point: number | null | undefined, value: number | null | undefined, at_ms: number | null | undefined): { value: number | null; at_ms: number | null } {
  const arrived = live(point ?? -1).value;
  if (arrived !== undefined && arrived.at_ms > (at_ms ?? -Infinity)) {
    return { value: arrived.value, at_ms: arrived.at_ms };
  }
  return { value: value ?? null, at_ms: at_ms ?? null };
}

/** A large number that follows its point. */
export function LiveFigure({ point, value, at_ms, unit, digits, medium }: LiveProps & { medium?: boolean }): JSX.Element {
  const newest = useLive(point, value, at_ms);
  return <Figure value={newest.value} unit={unit} medium={medium ?? false} {...(digits === undefined ? {} : { digits })} />;
}

/** How long ago, counting on by itself. */
export function Age({ at_ms }: { at_ms: number | null | undefined }): JSX.Element {
  const text = useComputed(() => now.value);
  if (at_ms === null || at_ms === undefined || at_ms === 0) return <span>{NONE}</span>;
  return (
    <time dateTime={new Date(at_ms).toISOString()} title={clockTime(at_ms, lang.value, zone.value, true)}>
      {age(at_ms, text.value || at_ms, lang.value)}
    </time>
  );
}

/** A state in a word with a shape, never colour alone. */
export function State({ tone, children }: { tone: Tone; children: ComponentChildren }): JSX.Element {
  const Icon = tone === "green" ? GoodIcon : tone === "red" ? AlertIcon : tone === "orange" ? WarnIcon : UnsureIcon;
  return (
    <span class={`state tone-${tone}`}>
      <Icon aria-hidden="true" />
      {children}
    </span>
  );
}

interface EmptyProps {
  icon: typeof OfflineIcon;
  title: string;
  children?: ComponentChildren;
}

/** Nothing to show, said kindly. */
export function Empty({ icon: Icon, title, children }: EmptyProps): JSX.Element {
  return (
    <div class="empty">
      <Icon aria-hidden="true" />
      <b>{title}</b>
      {children}
    </div>
  );
}

interface DayFieldProps {
  label: string;
  value: string;
  min?: string;
  max?: string;
  /** Only the day is seen; the label is heard. */
  bare?: boolean;
  testid?: string;
  onChange: (value: string) => void;
}

/** A day, written as the reader writes days; the browser's own picker lies over it unseen. */
export function DayField({ label, value, min, max, bare = false, testid, onChange }: DayFieldProps): JSX.Element {
  const at = Date.parse(`${value}T12:00:00Z`);
  return (
    <label class={`field day-field${bare ? " bare" : ""}`}>
      {!bare && label}
      <span class="day-shown" aria-hidden="true">
        {Number.isNaN(at) ? NONE : dayLong(at, lang.value, "UTC")}
        <CalendarIcon />
      </span>
      <input
        type="date"
        required
        aria-label={bare ? label : undefined}
        min={min}
        max={max}
        value={value}
        data-testid={testid}
        onClick={(event) => {
          try {
            event.currentTarget.showPicker();
          } catch {
            // not everywhere, and not without a tap: the field itself opens it then
          }
        }}
        onChange={(event) => {
          if (event.currentTarget.value !== "") onChange(event.currentTarget.value);
        }}
      />
    </label>
  );
}

/** A quiet remark. */
export function Note({ children, bad = false }: { children: ComponentChildren; bad?: boolean }): JSX.Element {
  return (
    <p class={`note${bad ? " bad-note" : ""}`} role={bad ? "alert" : undefined}>
      {bad ? <AlertIcon aria-hidden="true" /> : <InfoIcon aria-hidden="true" />}
      <span>{children}</span>
    </p>
  );
}

/** What a failure means to the reader, and what to do. */
export function failureWords(failure: Failure, changing = false): string {
  const words = t().failure;
  if (failure.offline) return changing ? words.changeOffline : words.offline;
  if (failure.status === 403) return words.forbidden;
  if (failure.status === 404) return words.missing;
  if (failure.status >= 500) return words.server;
  const known = words.codes[failure.code];
  const said = [failure.message, failure.remedy].filter((part) => part !== "").join(" ");
  if (lang.value === "en") return said === "" ? (known ?? words.server) : said;
  return known ?? `${words.refused}${t().bracket(said)}`;
}

interface ReadProps<T> {
  query: Query<T>;
  height?: number;
  children: (data: T) => ComponentChildren;
}

/** Shows what was read; a skeleton only when it is slow; an honest word when it failed. */
export function Read<T>({ query, height = 320, children }: ReadProps<T>): JSX.Element {
  const data = query.data.value;
  const failure = query.failure.value;
  if (data !== undefined) return <>{children(data)}</>;
  if (failure !== undefined) {
    return (
      <Empty icon={OfflineIcon} title={t().failure.title}>
        <p>{failureWords(failure)}</p>
        <button class="button" type="button" onClick={() => refresh()}>
          {t().failure.retry}
        </button>
      </Empty>
    );
  }
  if (query.slow.value) {
    return (
      <div class="skeleton" style={{ height: `${height}px` }} role="status">
        <span class="visually-hidden">{t().loading}</span>
      </div>
    );
  }
  return <div style={{ height: `${height}px` }} />;
}
