/** The large chart: history of any length, zoom by drag, double-click resets, touch, the usual band. */
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { amount, clockTime, dayShort, decimal, instant, unitText } from "../format";
import { dark, lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { zoneOffset } from "./time";
import { gapLimits, ticks, withGaps, type Maybe } from "./geometry";
import type { Tone } from "./SmallChart";

/** What the chart draws; instants in ms, all rows as long as `at`. */
export interface ChartData {
  at: readonly number[];
  value: readonly Maybe[];
  /** Lowest and highest within each step, when the values are means. */
  low?: readonly Maybe[] | undefined;
  high?: readonly Maybe[] | undefined;
  /** The usual range at each instant. */
  usualLow?: readonly Maybe[] | undefined;
  usualHigh?: readonly Maybe[] | undefined;
  /** A second line, dashed. */
  second?: readonly Maybe[] | undefined;
  quality?: readonly number[] | undefined;
  /** Why an interval is what it is, in words, by its instant. */
  reasons?: ReadonlyMap<number, readonly string[]> | undefined;
}

interface Props {
  data: ChartData;
  unit: string;
  tone: Tone;
  title: string;
  name?: string;
  secondName?: string;
  limits?: readonly { value: number; label: string }[];
  zero?: boolean;
  steps?: boolean;
  height?: number;
  /** The span shown; null: all of the data. */
  range?: { start_ms: number; end_ms: number } | null;
  /** A span was dragged; null: double-click asks for everything again. */
  onRange?: (range: { start_ms: number; end_ms: number } | null) => void;
  least?: number;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function faint(name: string): string {
  return `color-mix(in srgb, ${colour(name)} 22%, transparent)`;
}

// In the order they are drawn: bands first, then the second line, and the value over all.
const ROWS = ["low", "high", "usualLow", "usualHigh", "second", "value"] as const;
const COLUMN = Object.fromEntries(ROWS.map((key, index) => [key, index + 1])) as Record<(typeof ROWS)[number], number>;

function columnsOf(data: ChartData): { columns: uPlot.AlignedData; quality: (number | undefined)[] } {
  const gap = gapLimits(data.at);
  const empty: Maybe[] = data.at.map(() => null);
  const rows = Object.fromEntries(ROWS.map((key) => [key, [...(data[key] ?? empty)]])) as Record<string, Maybe[]>;
  rows["quality"] = [...(data.quality ?? data.at.map(() => 0))];
  const cut = withGaps(data.at, rows, gap);
  const seconds = cut.at.map((time) => time / 1000);
  const clean = (row: Maybe[] | undefined) => (row ?? []).map((value) => value ?? null);
  return {
    columns: [seconds, ...ROWS.map((key) => clean(cut.rows[key]))] as uPlot.AlignedData,
    quality: (cut.rows["quality"] ?? []).map((value) => value ?? undefined),
  };
}

function timeAxis(plot: uPlot, splits: number[]): string[] {
  const [low, high] = [plot.scales["x"]?.min ?? 0, plot.scales["x"]?.max ?? 0];
  const days = (high - low) / 86_400;
  let before = "";
  return splits.map((seconds) => {
    const at = seconds * 1000;
    const day = dayShort(at, lang.value, zone.value);
    if (days > 4) return day;
    const time = clockTime(at, lang.value, zone.value);
    const text = day !== before && (before !== "" || days > 1) ? `${time}\n${day}` : time;
    before = day;
    return text;
  });
}

const HOUR = 3600;
const STEPS = [60, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 96 * HOUR, 168 * HOUR, 336 * HOUR, 720 * HOUR, 1440 * HOUR, 2160 * HOUR];

/** Round wall times of the site's zone. */
function timeSplits(plot: uPlot, _axis: number, low: number, high: number): number[] {
  const room = Math.max(2, Math.floor(plot.bbox.width / devicePixelRatio / 96));
  const step = STEPS.find((size) => (high - low) / size <= room) ?? 4320 * HOUR;
  const shift = zoneOffset(low * 1000, zone.value) / 1000;
  const first = Math.ceil((low + shift) / step) * step - shift;
  const found: number[] = [];
  for (let at = first; at <= high; at += step) found.push(at);
  return found;
}

function draw(props: Props, box: HTMLElement, tip: HTMLElement, quality: (number | undefined)[], columns: uPlot.AlignedData): uPlot {
  const { tone } = props;
  const second = props.data.second !== undefined;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const line: uPlot.Series = {
    stroke: colour(tone),
    width: 1.75,
    points: {
      show: (plot, _series, from, to) => {
        const readings = to - from;
        return readings < plot.bbox.width / devicePixelRatio / 14;
      },
      size: 4,
      fill: colour(tone),
    },
    spanGaps: false,
  };
  if (props.steps === true) {
    const stepped = uPlot.paths.stepped;
    if (stepped !== undefined) line.paths = stepped({ align: 1 });
  }
  const hidden: uPlot.Series = { stroke: "transparent", points: { show: false }, spanGaps: false };
  const limits = props.limits ?? [];
  const options: uPlot.Options = {
    width: box.clientWidth,
    height: props.height ?? 300,
    padding: [12, 24, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone.value),
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: props.onRange !== undefined, y: false, setScale: false },
      points: { size: 8, fill: colour(tone), stroke: colour("card"), width: 2, show: true },
    },
    scales: {
      x: {
        time: true,
        range: () =>
          props.range
            ? [props.range.start_ms / 1000, props.range.end_ms / 1000]
            : [(props.data.at[0] ?? 0) / 1000, (props.data.at[props.data.at.length - 1] ?? 1) / 1000],
      },
      y: {
        range: (_plot, low, high) => {
          const all = [low, high, ...limits.map((limit) => limit.value)].filter((value) => Number.isFinite(value));
          let bottom = all.length > 0 ? Math.min(...all) : 0;
          let top = all.length > 0 ? Math.max(...all) : 1;
          const least = props.least ?? 0;
          if (top - bottom < least) {
            const middle = (top + bottom) / 2;
            bottom = middle - least / 2;
            top = middle + least / 2;
          }
          if (props.zero === true) bottom = Math.min(0, bottom);
          const room = (top - bottom || 1) * 0.08;
          return [props.zero === true && bottom === 0 ? 0 : bottom - room, top + room];
        },
      },
    },
    axes: [
      {
        stroke: colour("ink-3"),
        font,
        grid: { stroke: colour("grid"), width: 1 },
        ticks: { show: false },
        size: 42,
        gap: 8,
        splits: timeSplits,
        values: timeAxis,
      },
      {
        stroke: colour("ink-3"),
        font,
        grid: { stroke: colour("grid"), width: 1 },
        ticks: { show: false },
        size: 52,
        gap: 8,
        splits: (_plot, _axis, low, high) => ticks({ low, high }, Math.max(2, Math.round((props.height ?? 300) / 64))),
        values: (_plot, splits) => {
          const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
          const digits = step >= 1 || step === 0 ? 0 : Math.min(3, Math.ceil(-Math.log10(step) - 1e-9));
          const fits = Math.abs(Number(step.toFixed(digits)) - step) < 1e-9 ? digits : digits + 1;
          return splits.map((value) => decimal(value, fits));
        },
      },
    ],
    series: [
      {},
      { ...hidden },
      { ...hidden },
      { ...hidden },
      { ...hidden },
      second ? { stroke: colour("ink-2"), width: 1.5, dash: [4, 3], points: { show: false } } : { ...hidden },
      line,
    ],
    bands: [
      { series: [COLUMN.high, COLUMN.low], fill: faint(tone) },
      { series: [COLUMN.usualHigh, COLUMN.usualLow], fill: colour("band") },
    ],
    hooks: {
      drawAxes: [
        (plot) => {
          limitLines(plot, limits, font);
        },
      ],
      draw: [
        (plot) => {
          qualityMarks(plot, quality);
        },
      ],
      setSelect: [
        (plot) => {
          if (plot.select.width < 8) return;
          const start = plot.posToVal(plot.select.left, "x") * 1000;
          const end = plot.posToVal(plot.select.left + plot.select.width, "x") * 1000;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          props.onRange?.({ start_ms: Math.round(start), end_ms: Math.round(end) });
        },
      ],
      setCursor: [
        (plot) => {
          showTip(plot, tip, props, quality);
        },
      ],
    },
  };
  const plot = new uPlot(options, columns, box);
  plot.over.addEventListener("dblclick", () => props.onRange?.(null));
  touch(plot);
  plot.root.querySelector("canvas")?.setAttribute("aria-hidden", "true");
  return plot;
}

function limitLines(plot: uPlot, limits: readonly { value: number; label: string }[], font: string): void {
  const ctx = plot.ctx;
  const { left, width } = plot.bbox;
  ctx.save();
  ctx.strokeStyle = colour("red");
  ctx.fillStyle = colour("red");
  ctx.lineWidth = devicePixelRatio;
  ctx.font = font.replace("12px", `${12 * devicePixelRatio}px`);
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  for (const limit of limits) {
    const y = Math.round(plot.valToPos(limit.value, "y", true));
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillText(limit.label, left + 6 * devicePixelRatio, y - 3 * devicePixelRatio);
  }
  ctx.restore();
}

/** Readings with something known against them are hollow: estimated, suspect, without a clock. */
function qualityMarks(plot: uPlot, quality: (number | undefined)[]): void {
  const ctx = plot.ctx;
  const xs = plot.data[0];
  const ys = plot.data[COLUMN.value];
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.strokeStyle = colour("orange");
  ctx.fillStyle = colour("card");
  let last = -Infinity;
  quality.forEach((flags, index) => {
    const [at, value] = [xs[index], ys?.[index]];
    if (flags === undefined || (flags & 7) === 0 || at === undefined || value === null || value === undefined) return;
    const x = plot.valToPos(at, "x", true);
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width || x - last < 7 * devicePixelRatio) return;
    last = x;
    ctx.beginPath();
    ctx.arc(x, plot.valToPos(value, "y", true), 3 * devicePixelRatio, 0, Math.PI * 2);
    ctx.fill();
    ctx.stroke();
  });
  ctx.restore();
}

function showTip(plot: uPlot, tip: HTMLElement, props: Props, quality: (number | undefined)[]): void {
  const index = plot.cursor.idx;
  const left = plot.cursor.left ?? -1;
  const at = index === null || index === undefined ? undefined : plot.data[0][index];
  if (index === null || index === undefined || at === undefined || left < 0) {
    tip.hidden = true;
    return;
  }
  const cell = (row: number) => plot.data[row]?.[index];
  const lines: [string, string][] = [["", instant(at * 1000, lang.value, zone.value)]];
  const value = cell(COLUMN.value);
  if (typeof value === "number") {
    lines.push(["strong", `${props.secondName !== undefined ? `${props.name ?? ""} ` : ""}${amount(value, props.unit)}`]);
  } else {
    lines.push(["strong", t().noReading]);
  }
  const second = cell(COLUMN.second);
  if (typeof second === "number") lines.push(["strong", `${props.secondName ?? ""} ${amount(second, props.unit)}`]);
  const range = (low: unknown, high: unknown, text: (low: string, high: string) => string) => {
    if (typeof low === "number" && typeof high === "number") {
      lines.push(["", text(amount(low, ""), amount(high, props.unit))]);
    }
  };
  range(cell(COLUMN.low), cell(COLUMN.high), t().lowToHigh);
  range(cell(COLUMN.usualLow), cell(COLUMN.usualHigh), t().usualRange);
  const flags = quality[index] ?? 0;
  if ((flags & 7) !== 0) lines.push(["mark", t().qualityWords(flags)]);
  const reasons = props.data.reasons?.get(Math.round(at * 1000)) ?? [];
  for (const reason of reasons) lines.push(["mark", reason]);
  tip.replaceChildren(
    ...lines.map(([kind, text]) => {
      const element = document.createElement(kind === "strong" ? "strong" : "span");
      if (kind === "mark") element.className = "mark";
      element.textContent = text;
      return element;
    }),
  );
  tip.hidden = false;
  const over = plot.over;
  const toLeft = left > over.clientWidth * 0.55;
  tip.className = `tip ${toLeft ? "to-left" : "to-right"}`;
  tip.style.left = `${over.offsetLeft + left}px`;
}

/** A finger moves the cursor; the page still scrolls up and down. */
function touch(plot: uPlot): void {
  const over = plot.over;
  over.style.touchAction = "pan-y";
  const follow = (event: TouchEvent) => {
    const finger = event.touches[0];
    if (finger === undefined) return;
    const box = over.getBoundingClientRect();
    plot.setCursor({ left: finger.clientX - box.left, top: finger.clientY - box.top });
  };
  over.addEventListener("touchstart", follow, { passive: true });
  over.addEventListener("touchmove", follow, { passive: true });
}

/** Draws a history; it is drawn anew when the data, the colours or the language change. */
export default function TimeChart(props: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const isDark = dark.value;
  const language = lang.value;
  const limits = (props.limits ?? []).map((limit) => limit.value).join();
  useEffect(() => {
    if (box.current === null || tip.current === null) return undefined;
    const element = box.current;
    const { columns, quality } = columnsOf(props.data);
    tip.current.hidden = true;
    const plot = draw(props, element, tip.current, quality, columns);
    const resize = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== plot.width) {
        plot.setSize({ width: element.clientWidth, height: props.height ?? 300 });
      }
    });
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
    // The data object is new whenever anything in it is.
  }, [props.data, props.unit, props.tone, props.range?.start_ms, props.range?.end_ms, limits, isDark, language]);
  return (
    <figure class="time-chart" role="img" aria-label={`${props.title} (${unitText(props.unit)})`}>
      <div class="unit" aria-hidden="true">
        {unitText(props.unit)}
      </div>
      <div ref={box} style={{ minHeight: `${props.height ?? 300}px` }} />
      <div ref={tip} class="tip" hidden />
    </figure>
  );
}
