/** Where things stand in a chart; pure functions in a box of 100 by 100, y downwards. */

/** A value that may be missing: a gap stays a gap. */
export type Maybe = number | null | undefined;

/** The ends of a scale. */
export interface Span {
  low: number;
  high: number;
}

function known(value: Maybe): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/** The smallest span that holds every known value, widened so that no line touches an edge. */
export function spanOf(rows: readonly (readonly Maybe[])[], options: { zero?: boolean; margin?: number; least?: number } = {}): Span {
  let low = Infinity;
  let high = -Infinity;
  for (const row of rows) {
    for (const value of row) {
      if (!known(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return { low: 0, high: 1 };
  if (options.zero === true) low = Math.min(0, low);
  const least = options.least ?? 0;
  if (high - low < least) {
    const middle = (high + low) / 2;
    low = options.zero === true ? low : middle - least / 2;
    high = low + least;
  }
  if (high === low) high = low + 1;
  const room = (high - low) * (options.margin ?? 0.06);
  return { low: options.zero === true && low === 0 ? 0 : low - room, high: high + room };
}

/** Per cent of the way from low to high. */
export function place(value: number, span: Span): number {
  return ((value - span.low) / (span.high - span.low)) * 100;
}

function point(x: number, y: number): string {
  return `${x.toFixed(2)} ${y.toFixed(2)}`;
}

/**
 * The line through the known values as an SVG path; a missing value, or a step in time longer
 * than `gap` (one for all, or one a step), lifts the pen.
 */
export function linePath(at: readonly number[], values: readonly Maybe[], x: Span, y: Span, gap: number | readonly number[] = Infinity): string {
  let path = "";
  let before: number | undefined;
  values.forEach((value, index) => {
    const time = at[index];
    if (!known(value) || time === undefined) {
      before = undefined;
      return;
    }
    const limit = typeof gap === "number" ? gap : (gap[index] ?? Infinity);
    const joined = before !== undefined && time - before <= limit;
    path += `${joined ? "L" : "M"}${point(place(time, x), 100 - place(value, y))}`;
    before = time;
  });
  return path;
}

/** The area between two rows; broken where either is missing. */
export function bandPath(at: readonly number[], low: readonly Maybe[], high: readonly Maybe[], x: Span, y: Span): string {
  let path = "";
  let upper: string[] = [];
  let lower: string[] = [];
  const close = () => {
    if (upper.length > 1) path += `M${upper.join("L")}L${lower.reverse().join("L")}Z`;
    upper = [];
    lower = [];
  };
  at.forEach((time, index) => {
    const bottom = low[index];
    const top = high[index];
    if (!known(bottom) || !known(top)) {
      close();
      return;
    }
    const across = place(time, x);
    upper.push(point(across, 100 - place(top, y)));
    lower.push(point(across, 100 - place(bottom, y)));
  });
  close();
  return path;
}

/** The index whose instant is nearest; -1 when there is none. */
export function nearest(at: readonly number[], time: number): number {
  if (at.length === 0) return -1;
  let left = 0;
  let right = at.length - 1;
  while (right - left > 1) {
    const middle = (left + right) >> 1;
    if ((at[middle] ?? 0) <= time) left = middle;
    else right = middle;
  }
  return Math.abs((at[left] ?? 0) - time) <= Math.abs((at[right] ?? 0) - time) ? left : right;
}

/** The usual distance between instants: the median step. */
export function usualStep(at: readonly number[]): number {
  if (at.length < 3) return Infinity;
  const steps = at.slice(1).map((time, index) => time - (at[index] ?? time));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? Infinity;
}

const GAP_STEPS = 3.5;
const NEIGHBOURS = 4;

/**
 * How long each step may be before it is a gap. A sensor may have sent by the minute today and by
 * five minutes yesterday, so a step is measured by its neighbours too.
 */
export function gapLimits(at: readonly number[]): number[] {
  const usual = usualStep(at);
  const steps = at.map((time, index) => (index === 0 ? 0 : time - (at[index - 1] ?? time)));
  return steps.map((_, index) => {
    const near = [...steps.slice(Math.max(1, index - NEIGHBOURS), index), ...steps.slice(index + 1, index + 1 + NEIGHBOURS)];
    const before = median(near.slice(0, Math.min(NEIGHBOURS, Math.max(0, index - 1))));
    const after = median(near.slice(Math.min(NEIGHBOURS, Math.max(0, index - 1))));
    return GAP_STEPS * Math.max(usual, before, after);
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/** Puts a null between neighbours further apart than `gap`, so that every drawer lifts its pen. */
export function withGaps<T extends Record<string, Maybe[]>>(at: readonly number[], rows: T, gap: number | readonly number[]): { at: number[]; rows: T } {
  const outAt: number[] = [];
  const out = Object.fromEntries(Object.keys(rows).map((key) => [key, [] as Maybe[]]));
  at.forEach((time, index) => {
    const before = at[index - 1];
    if (before !== undefined && time - before > (typeof gap === "number" ? gap : (gap[index] ?? Infinity))) {
      outAt.push(before + 1);
      for (const key of Object.keys(rows)) out[key]?.push(null);
    }
    outAt.push(time);
    for (const [key, row] of Object.entries(rows)) out[key]?.push(row[index]);
  });
  return { at: outAt, rows: out as T };
}

/** How a value stands to its usual range; the range's edges belong to it. */
export function against(value: number, low: number, high: number): "below" | "usual" | "above" {
  if (value < low) return "below";
  return value > high ? "above" : "usual";
}

/** Round figures at which a scale of about `count` steps is labelled. */
export function ticks(span: Span, count: number): number[] {
  const raw = (span.high - span.low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw;
  const first = Math.ceil(span.low / step - 1e-9);
  const last = Math.floor(span.high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** The index of the last instant not after `time`; -1 when all are later. */
export function lastBefore(at: readonly number[], time: number): number {
  let index = at.length - 1;
  while (index >= 0 && (at[index] ?? 0) > time) index -= 1;
  return index;
}
