/** One fridge or freezer: its air now, its day, where it stands in its band, its state in a word. */
import type { JSX } from "preact";
import type { ColdUnit } from "../api/shapes";
import type { Tone } from "../charts/SmallChart";
import { BandBar, Spark } from "../charts/Spark";
import { amount, duration } from "../format";
import { Link } from "../router";
import { now } from "../state/live";
import { lang } from "../state/settings";
import { t } from "../texts";
import { Figure, State, useLive } from "./parts";

/** The colour of a unit's state. */
export function unitTone(state: string): Tone {
  if (state === "ok") return "green";
  if (state === "critical") return "red";
  return state === "silent" || state === "unknown" ? "ink" : "orange";
}

/** The state in words, with how long it has lasted. */
export function unitState(unit: ColdUnit): string {
  const words = t().cold;
  const name = words.state[unit.state] ?? t().severity[unit.state] ?? unit.state;
  if (unit.state === "ok" || unit.since_ms === null) return name;
  return words.stateFor(name, duration(Math.max(0, now.value - unit.since_ms), lang.value));
}

export function UnitCard({ unit }: { unit: ColdUnit }): JSX.Element {
  const tone = unitTone(unit.state);
  const air = useLive(unit.air_point, unit.air, unit.air_at_ms);
  const food = useLive(unit.food_point, unit.food, unit.air_at_ms);
  const words = t().todayPage;
  const mark = tone === "green" ? "cyan" : tone;
  const paper = tone === "red" ? " bad-unit" : tone === "orange" ? " warn-unit" : "";
  return (
    <Link to={unit.incident === null ? `/devices/${unit.device}` : `/incidents/${unit.incident}`} class={`card unit${paper}`}>
      <h3>{unit.name}</h3>
      <span data-testid={unit.air_point === null ? undefined : `point-${unit.air_point}`}>
        <Figure value={air.value} unit="degC" digits={1} medium />
      </span>
      <p class="food">{food.value === null ? words.noFood : words.food(amount(food.value, "degC"))}</p>
      <Spark at={unit.series.at_ms} value={unit.series.value} tone={mark} low={unit.limit_low} high={unit.limit_high} />
      <BandBar value={air.value} low={unit.limit_low} high={unit.limit_high} tone={mark} />
      <State tone={tone}>{unitState(unit)}</State>
    </Link>
  );
}
