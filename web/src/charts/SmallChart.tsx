/** The chart of a card: usual band in grey, a thin line, limits, the value under the finger. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { amount, clockTime, moment, weekday } from "../format";
import { dayStarts } from "./time";
import { lang } from "../state/settings";
import { now } from "../state/live";
import { zone } from "../state/site";
import { t } from "../texts";
import { bandPath, gapLimits, linePath, nearest, place, spanOf, ticks, usualStep, type Maybe, type Span } from "./geometry";

export type Tone = "amber" | "blue" | "cyan" | "green" | "orange" | "red" | "ink";

/** One line: instants with values; `label` stands at its end. */
export interface Line {
  at: readonly number[];
  value: readonly Maybe[];
  tone: Tone;
  label?: string;
  name?: string;
  dashed?: boolean;
}

interface Band {
  at: readonly number[];
  low: readonly Maybe[];
  high: readonly Maybe[];
}

interface Limit {
  value: number;
  label: string;
}

interface Props {
  lines: readonly Line[];
  unit: string;
  title: string;
  band?: Band | undefined;
  limits?: readonly Limit[];
  start_ms: number;
  end_ms: number;
  height?: number;
  zero?: boolean;
  least?: number;
  labels?: "hours" | "ends" | "none";
  /** Room at the right for the labels of the last values [px]. */
  room?: number;
  /** Two or three quiet lines with their figures. */
  scale?: boolean;
  marks?: readonly number[];
  onAlert?: boolean;
}

/** Draws lines over their usual band; `title` is what a screen reader hears. */
export function SmallChart(props: Props): JSX.Element {
  const { lines, band, limits = [], unit, start_ms, end_ms } = props;
  const cursor = useSignal<number | null>(null);
  const x: Span = { low: start_ms, high: end_ms };
  const y = spanOf(
    [...lines.map((line) => line.value), ...(band ? [band.low, band.high] : []), limits.map((limit) => limit.value)],
    { zero: props.zero ?? false, least: props.least ?? 0, margin: 0.08 },
  );
  const main = lines[0];
  const levels = props.scale === true ? ticks(y, 2).filter((level) => level > y.low && level < y.high && level !== 0) : [];
  const move = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    cursor.value = start_ms + ((event.clientX - box.left) / box.width) * (end_ms - start_ms);
  };
  const leave = () => {
    cursor.value = null;
  };
  return (
    <figure
      class={`small-chart${props.onAlert === true ? " on-alert" : ""}`}
      role="img"
      aria-label={props.title}
      style={{ paddingRight: `${props.room ?? 0}px` }}
    >
      <div
        class="plot"
        style={{ height: `${props.height ?? 96}px` }}
        onPointerMove={move}
        onPointerDown={move}
        onPointerLeave={leave}
        onPointerCancel={leave}
      >
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          {levels.map((level) => (
            <path key={level} class="level" d={`M0 ${100 - place(level, y)}H100`} />
          ))}
          {band !== undefined && <path class="band" d={bandPath(band.at, band.low, band.high, x, y)} />}
          {limits.map((limit) => (
            <path key={limit.label} class="limit" d={`M0 ${100 - place(limit.value, y)}H100`} />
          ))}
          {[...lines].reverse().map((line) => (
            <path
              key={line.name ?? line.label ?? line.tone}
              class={`line tone-${line.tone}${line.dashed === true ? " dashed" : ""}`}
              d={linePath(line.at, line.value, x, y, gapLimits(line.at))}
            />
          ))}
        </svg>
        {levels.map((level) => (
          <span key={level} class="level-label" aria-hidden="true" style={{ top: `${100 - place(level, y)}%` }}>
            {amount(level, unit)}
          </span>
        ))}
        {limits.map((limit) => (
          <span key={limit.label} class="limit-label" style={{ top: `${100 - place(limit.value, y)}%` }}>
            {limit.label}
          </span>
        ))}
        <EndLabels lines={lines} x={x} y={y} roomy={(props.room ?? 0) > 0} />
        {main !== undefined && <Cursor cursor={cursor.value} line={main} lines={lines} band={band} x={x} y={y} unit={unit} />}
      </div>
      {props.labels !== "none" && (
        <TimeLabels x={x} kind={props.labels ?? "hours"} marks={props.marks ?? []} />
      )}
    </figure>
  );
}

function lastKnown(line: Line): { at: number; value: number } | undefined {
  for (let index = line.value.length - 1; index >= 0; index -= 1) {
    const value = line.value[index];
    const at = line.at[index];
    if (typeof value === "number" && at !== undefined) return { at, value };
  }
  return undefined;
}

function EndLabels({ lines, x, y, roomy }: { lines: readonly Line[]; x: Span; y: Span; roomy: boolean }): JSX.Element {
  // Two labels closer than a line of text would lie over each other.
  const ends = lines
    .map((line) => ({ line, end: lastKnown(line) }))
    .filter((row): row is { line: Line; end: { at: number; value: number } } => row.end !== undefined);
  const tops = ends.map(({ end }) => 100 - place(end.value, y));
  return (
    <>
      {ends.map(({ line, end }, index) => {
        const left = place(end.at, x);
        let top = tops[index] ?? 50;
        const first = tops[0] ?? 50;
        if (index > 0 && Math.abs(top - first) < 15) top = top >= first ? first + 15 : first - 15;
        return (
          <span key={line.name ?? line.label ?? line.tone} class={`end tone-${line.tone}`}>
            <i style={{ left: `${left}%`, top: `${tops[index] ?? 50}%` }} hidden={line.dashed === true} />
            {line.label !== undefined && (
              <b class={left > 80 && !roomy ? "before" : "after"} style={{ left: `${left}%`, top: `${Math.min(94, Math.max(6, top))}%` }}>
                {line.label}
              </b>
            )}
          </span>
        );
      })}
    </>
  );
}

interface CursorProps {
  cursor: number | null;
  line: Line;
  lines: readonly Line[];
  band: Band | undefined;
  x: Span;
  y: Span;
  unit: string;
}

function Cursor({ cursor, line, lines, band, x, y, unit }: CursorProps): JSX.Element | null {
  if (cursor === null) return null;
  const index = nearest(band !== undefined && (line.at[line.at.length - 1] ?? 0) < cursor ? band.at : line.at, cursor);
  const row = band !== undefined && (line.at[line.at.length - 1] ?? 0) < cursor ? band.at : line.at;
  const at = row[index];
  if (at === undefined) return null;
  const value = row === line.at ? line.value[index] : undefined;
  const inBand = band === undefined ? -1 : nearest(band.at, at);
  const low = band?.low[inBand];
  const high = band?.high[inBand];
  const left = place(at, x);
  return (
    <>
      <i class="cursor" style={{ left: `${left}%` }} />
      {typeof value === "number" && <i class={`spot tone-${line.tone}`} style={{ left: `${left}%`, top: `${100 - place(value, y)}%` }} />}
      <div class={`tip ${left > 55 ? "to-left" : "to-right"}`} style={{ left: `${left}%` }}>
        <span>{moment(at, now.value, lang.value, zone.value)}</span>
        {lines.map((other) => {
          const position = nearest(other.at, at);
          const figure = row === line.at || other !== line ? other.value[position] : undefined;
          if (typeof figure !== "number" || Math.abs((other.at[position] ?? 0) - at) > usualStep(other.at) * 2) return null;
          return (
            <strong key={other.name ?? other.label ?? other.tone}>
              {other.name !== undefined && lines.length > 1 ? `${other.name} ` : ""}
              {amount(figure, unit)}
            </strong>
          );
        })}
        {typeof low === "number" && typeof high === "number" && (
          <span>{t().usualRange(amount(low, ""), amount(high, unit))}</span>
        )}
      </div>
    </>
  );
}

function TimeLabels({ x, kind, marks }: { x: Span; kind: "hours" | "ends"; marks: readonly number[] }): JSX.Element {
  const day = 86_400_000;
  const long = x.high - x.low > 1.6 * day;
  const inside = (time: number) => time > x.low + (x.high - x.low) * 0.24 && time < x.high - (x.high - x.low) * 0.24;
  const at =
    kind === "ends" && long
      ? [x.low, ...dayStarts(x.low, x.high, zone.value).filter(inside), x.high]
      : kind === "ends"
      ? [x.low, ...marks.filter(inside), x.high]
      : long
        ? dayStarts(x.low, x.high, zone.value)
        : [0, 0.25, 0.5, 0.75, 1].map((part) => x.low + part * (x.high - x.low));
  return (
    <div class="time-labels" aria-hidden="true">
      {at.map((time, index) => {
        const text = kind === "hours" && !long ? t().hourLabel(index * 6) : long ? (kind === "ends" && time === x.high ? clockTime(time, lang.value, zone.value) : weekday(time, lang.value, zone.value)) : clockTime(time, lang.value, zone.value);
        const edge = index === 0 && time === x.low ? " first" : index === at.length - 1 && time === x.high ? " last" : "";
        return (
          <span key={time} class={edge} style={{ left: `${place(time, x)}%` }}>
            {text}
          </span>
        );
      })}
    </div>
  );
}
