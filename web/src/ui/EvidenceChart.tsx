/** The chart that proves an incident: its values, its limits, the day around it. */
import type { JSX } from "preact";
import type { Evidence } from "../api/shapes";
import { SmallChart, type Line, type Tone } from "../charts/SmallChart";
import { amount } from "../format";
import { t } from "../texts";
import { pointName } from "./points";

interface Props {
  chart: Evidence;
  tone: Tone;
  title: string;
  height?: number;
  onAlert?: boolean;
  since_ms?: number;
}

/** Air in the incident's colour, food dashed beside it. */
export function EvidenceChart({ chart, tone, title, height = 150, onAlert = false, since_ms }: Props): JSX.Element | null {
  const first = chart.series[0];
  if (first === undefined || first.at_ms.length < 2) return null;
  const counter = first.quantity === "volume" || first.quantity === "energy";
  const lines: Line[] = chart.series.map((series, index) => {
    const known = series.value.filter((value): value is number => typeof value === "number");
    const last = known[known.length - 1];
    const short = t().channel[series.channel] ?? pointName(series);
    return {
      at: series.at_ms,
      value: series.value,
      tone: index === 0 ? tone : "ink",
      dashed: index > 0,
      name: pointName(series),
      ...(last === undefined || counter ? {} : { label: `${short} ${amount(last, "")}` }),
    };
  });
  const { limit_low: low, limit_high: high } = chart;
  const start = counter ? (first.at_ms[0] ?? chart.start_ms) : chart.start_ms;
  const end = chart.end_ms;
  const band = typeof low === "number" && typeof high === "number" ? { at: [start, end], low: [low, low], high: [high, high] } : undefined;
  return (
    <SmallChart
      lines={lines}
      unit={first.unit}
      title={title}
      band={band}
      limits={typeof high === "number" ? [{ value: high, label: t().cold.limitHigh(amount(high, "degC", 0)) }] : []}
      start_ms={start}
      end_ms={end}
      height={height}
      least={counter ? 0 : 4}
      zero={counter}
      labels="ends"
      scale={counter}
      room={lines.some((line) => line.label !== undefined) ? 76 : 0}
      marks={since_ms === undefined ? [] : [since_ms]}
      onAlert={onAlert}
    />
  );
}
