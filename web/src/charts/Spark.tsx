/** The small figures of a card: a sparkline, the band a value should lie in, bars of a week, a heat map. */
import type { JSX } from "preact";
import { amount } from "../format";
import { bandPath, gapLimits, linePath, place, spanOf, type Maybe, type Span } from "./geometry";
import type { Tone } from "./SmallChart";

interface SparkProps {
  at: readonly number[];
  value: readonly Maybe[];
  tone: Tone;
  low?: Maybe;
  high?: Maybe;
  least?: number;
}

/** A line without axes over its limits' band; the card around it says what it shows. */
export function Spark({ at, value, tone, low, high, least = 4 }: SparkProps): JSX.Element {
  const first = at[0] ?? 0;
  const x: Span = { low: first, high: Math.max(first + 1, at[at.length - 1] ?? 1) };
  const y = spanOf([value], { least, margin: 0.12 });
  const inside = [low, high].filter((limit): limit is number => typeof limit === "number" && limit > y.low && limit < y.high);
  return (
    <svg class="spark" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      {typeof low === "number" && typeof high === "number" && (
        <path
          class="band"
          d={bandPath([x.low, x.high], [Math.max(low, y.low), Math.max(low, y.low)], [Math.min(high, y.high), Math.min(high, y.high)], x, y)}
        />
      )}
      {inside.map((limit) => (
        <path key={limit} class="limit" d={`M0 ${100 - place(limit, y)}H100`} />
      ))}
      <path class={`line tone-${tone}`} d={linePath(at, value, x, y, gapLimits(at))} />
    </svg>
  );
}

interface BandBarProps {
  value: Maybe;
  low: Maybe;
  high: Maybe;
  tone: Tone;
}

/** Where a value lies beside its allowed band. */
export function BandBar({ value, low, high, tone }: BandBarProps): JSX.Element {
  const bottom = typeof low === "number" ? low : typeof high === "number" ? high - 8 : 0;
  const top = typeof high === "number" ? high : bottom + 8;
  const room = Math.max(2, (top - bottom) * 0.35);
  const span: Span = { low: bottom - room, high: top + room };
  const clamp = (per: number) => Math.min(97, Math.max(3, per));
  return (
    <div class="band-bar" aria-hidden="true">
      <i class="allowed" style={{ left: `${place(bottom, span)}%`, right: `${100 - place(top, span)}%` }} />
      {typeof value === "number" && <i class={`mark tone-${tone}`} style={{ left: `${clamp(place(value, span))}%` }} />}
    </div>
  );
}

/** One bar: its height, the usual range behind it, what stands under and over it. */
export interface Bar {
  key: string;
  value: number | null;
  low: Maybe;
  high: Maybe;
  under: string;
  title: string;
  strong?: boolean;
  faint?: boolean;
  /** The share of it that stands apart, in the deep colour. */
  part?: number;
}

interface BarsProps {
  bars: readonly Bar[];
  tone: Tone;
  unit: string;
  title: string;
  figures?: boolean;
  height?: number;
}

/** Bars of days, each over its own usual range. */
export function Bars({ bars, tone, unit, title, figures = true, height = 150 }: BarsProps): JSX.Element {
  const top = Math.max(1e-9, ...bars.flatMap((bar) => [bar.value ?? 0, bar.high ?? 0])) * 1.02;
  const up = (value: number) => `${(value / top) * 100}%`;
  return (
    <figure class={`bars${bars.length > 10 ? " many" : ""}`} role="img" aria-label={title}>
      {bars.map((bar) => (
        <div class={`bar${bar.strong === true ? " strong" : ""}${bar.faint === true ? " faint" : ""}`} key={bar.key} title={bar.title}>
          <div class="column" style={{ height: `${height}px` }}>
            {typeof bar.low === "number" && typeof bar.high === "number" && (
              <i class="usual" style={{ bottom: up(bar.low), height: `max(6px, ${up(Math.max(0, bar.high - bar.low))})` }} />
            )}
            {bar.value !== null && <i class={`fill tone-${tone}`} style={{ height: up(bar.value) }} />}
            {bar.value !== null && bar.part !== undefined && <i class={`fill part tone-${tone}`} style={{ height: up(bar.value * bar.part) }} />}
            {figures && bar.value !== null && (
              <span style={{ bottom: up(Math.max(bar.value, bar.high ?? 0)) }}>{amount(bar.value, unit).split("\u202f")[0]}</span>
            )}
          </div>
          <small>{bar.under}</small>
        </div>
      ))}
    </figure>
  );
}

interface HeatProps {
  rows: readonly { key: string; label: string; values: readonly Maybe[] }[];
  columns: readonly string[];
  tone: Tone;
  title: string;
  cell: (row: number, column: number) => string;
}

/** Rows of days by columns of hours; the deeper the colour, the more. */
export function Heat({ rows, columns, tone, title, cell }: HeatProps): JSX.Element {
  const all = rows.flatMap((row) => row.values.filter((value): value is number => typeof value === "number"));
  all.sort((a, b) => a - b);
  // One odd hour must not bleach all others: the scale ends at the 98th per cent.
  const top = all[Math.min(all.length - 1, Math.floor(all.length * 0.98))] ?? 1;
  return (
    <figure class={`heat tone-${tone}`} role="img" aria-label={title}>
      {rows.map((row, index) => (
        <div class="heat-row" key={row.key}>
          <span>{row.label}</span>
          {row.values.map((value, column) => (
            <i
              key={columns[column] ?? column}
              class={typeof value === "number" ? "" : "none"}
              style={typeof value === "number" ? { "--deep": `${Math.round(Math.min(1, Math.max(0, value / (top || 1))) * 100)}%` } : {}}
              title={cell(index, column)}
            />
          ))}
        </div>
      ))}
      <div class="heat-row heat-hours" aria-hidden="true">
        <span />
        {columns.map((column, index) => (
          <small key={column}>{index % 6 === 0 ? column : ""}</small>
        ))}
      </div>
    </figure>
  );
}
