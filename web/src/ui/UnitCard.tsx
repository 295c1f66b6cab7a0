/** One fridge or freezer: its air now, its day, where it stands in its band, its state in a word. */
import type { JSX } from "preact";
import type { ColdUnit } from "../api/shapes";
import type { Tone } from "../charts/SmallChart";
import { BandBar, Spark } from "../charts/Spark";
import { amount, decimal, duration } from "../format";
import { Link } from "../router";
import { now } from "../state/live";
import { lang } from "../state/settings";
import { t } from "../texts";
import { Figure, State, useLive } from "./parts";

const SPARK_MS = 6 * 3_600_000;

/** The colour of a unit's state. */
export function unitTone(state: string): Tone {
  if (state === "ok") return "green";
  if (state === "critical") return "red";
  return state === "silent" || state === "unknown" ? "ink" : "orange";
}

/** The state in words, with how long it has lasted. */
export function unitState(unit: ColdUnit): string {
  const words = t().cold;
  const graded = t().severity[unit.state] !== undefined;
  const over = graded && unit.air !== null && unit.limit_high !== null && unit.air > unit.limit_high;
  const under = graded && unit.air !== null && unit.limit_low !== null && unit.air < unit.limit_low;
  const name = words.state[over ? "warm" : under ? "cold" : unit.state] ?? t().severity[unit.state] ?? unit.state;
  if (unit.state === "ok" || unit.since_ms === null) return name;
  return words.stateFor(name, duration(Math.max(0, now.value - unit.since_ms), lang.value));
}

export function UnitCard({ unit }: { unit: ColdUnit }): JSX.Element {
  const tone = unitTone(unit.state);
  const air = useLive(unit.air_point, unit.air, unit.air_at_ms);
  const food = useLive(unit.food_point, unit.food, unit.air_at_ms);
  const words = t().todayPage;
  const { limit_low: low, limit_high: high } = unit;
  const allowed = low === null || high === null ? words.noFood : t().cold.range(decimal(low, 0), amount(high, "degC", 0));
  const mark = tone === "green" ? "cyan" : tone;
  // A day of a compressor's cycles is a smear at this size: the last hours tell the shape.
  const from = (unit.series.at_ms[unit.series.at_ms.length - 1] ?? 0) - SPARK_MS;
  const first = Math.max(0, unit.series.at_ms.findIndex((at) => at >= from));
  const paper = tone === "red" ? " bad-unit" : tone === "orange" ? " warn-unit" : "";
  return (
    <Link to={unit.incident === null ? `/devices/${unit.device}` : `/incidents/${unit.incident}`} class={`card unit${paper}`}>
      <h3>{unit.name}</h3>
      <span data-testid={unit.air_point === null ? undefined : `point-${unit.air_point}`}>
        <Figure value={air.value} unit="degC" digits={1} medium />
      </span>
      <p class="food">{food.value === null ? allowed : words.food(amount(food.value, "degC"))}</p>
      <Spark at={unit.series.at_ms.slice(first)} value={unit.series.value.slice(first)} tone={mark} low={unit.limit_low} high={unit.limit_high} />
      <BandBar value={air.value} low={unit.limit_low} high={unit.limit_high} tone={mark} />
      <State tone={tone}>{unitState(unit)}</State>
    </Link>
  );
}
