/** Cold storage: each unit with its day, its band, its door, and what went over it. */
import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import type { Cold as ColdData, ColdUnit, IncidentBrief, Today, UnitList, UnitNow } from "../api/shapes";
import { SmallChart } from "../charts/SmallChart";
import { amount, decimal, duration, moment } from "../format";
import { Link } from "../router";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { ColdIcon } from "../ui/Icons";
import { Acknowledge, takenWords } from "../ui/Alerts";
import { troubles, type Trouble } from "../ui/incident";
import { Age, Card, DayField, Empty, Figure, LiveFigure, Page, Read, State } from "../ui/parts";
import { valueText } from "../ui/points";
import { unitState, unitTone } from "../ui/UnitCard";
import { Kitchen } from "./Kitchen";

const RANK: Readonly<Record<string, number>> = { hold: 0, critical: 0, alarm: 1, silent: 2, warm: 3, unknown: 3, notice: 4, ok: 6 };

/** The unit that needs somebody first; a healthy one last. */
function urgency(unit: ColdUnit, kitchen: UnitNow | undefined): number {
  return Math.min(RANK[unit.state] ?? 5, RANK[kitchen?.state ?? "ok"] ?? 5);
}

export default function Cold(): JSX.Element {
  const query = useQuery<ColdData>("/cold", { on: ["incident"], every_ms: 20_000 });
  const kitchen = useQuery<UnitList>("/cold/units", { on: ["incident"], every_ms: 20_000 });
  const today = useQuery<Today>("/today", { on: ["incident", "inbox", "quarantine"] });
  const nowOf = new Map((kitchen.data.value?.items ?? []).map((unit) => [unit.device, unit]));
  const open = troubles(today.data.value?.incidents ?? []);
  const words = t().cold;
  return (
    <Page
      title={words.title}
      lead={query.data.value === undefined ? words.lead : verdict(query.data.value.units, nowOf)}
      right={
        <button class="button small no-print" type="button" onClick={() => print()}>
          {words.record}
        </button>
      }
    >
      <Read query={query} height={640}>
        {(data) => {
          if (data.units.length === 0) {
            return (
              <Card>
                <Empty icon={ColdIcon} title={t().todayPage.noCold}>
                  <p>{t().todayPage.noColdMore}</p>
                </Empty>
              </Card>
            );
          }
          const ranked = [...data.units].sort((a, b) => urgency(a, nowOf.get(a.device)) - urgency(b, nowOf.get(b.device)));
          return (
            <div class="grid two cold-units">
              {ranked.map((unit) => (
                <Unit
                  key={unit.device}
                  unit={unit}
                  kitchen={nowOf.get(unit.device)}
                  trouble={open.find((found) => found.lead.device === unit.device && found.lead.state !== "recovering")}
                  urgent={urgency(unit, nowOf.get(unit.device)) < 3}
                />
              ))}
              <InspectorPack />
            </div>
          );
        }}
      </Read>
    </Page>
  );
}

/** One sentence over the units: all in their band, or which are not. */
function verdict(units: readonly ColdUnit[], nowOf: ReadonlyMap<number, UnitNow>): string {
  const words = t().cold;
  const bad = units.filter((unit) => urgency(unit, nowOf.get(unit.device)) < 4);
  if (units.length === 0) return words.lead;
  return bad.length === 0 ? words.allWell(units.length) : words.needs(bad.map((unit) => unit.name).join(t().listComma));
}

/** One click for the inspector: the period, and the file. */
function InspectorPack(): JSX.Element {
  const words = t().kitchen;
  const day = (at_ms: number) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone.value }).format(at_ms);
  const from = useSignal(day(now.value - 29 * 86_400_000));
  const to = useSignal(day(now.value));
  const link = (format: string) => `/api/v1/reports/inspector?from=${from.value}&to=${to.value}&format=${format}&lang=${lang.value}`;
  return (
    <Card title={words.packTitle} class="pack no-print">
      <p class="quiet">{words.packLead}</p>
      <div class="form columns">
        <DayField label={words.from} value={from.value} max={to.value} onChange={(value) => (from.value = value)} />
        <DayField label={words.to} value={to.value} min={from.value} onChange={(value) => (to.value = value)} />
      </div>
      <div class="buttons">
        <a class="button primary" href={link("pdf")} download data-testid="pack-pdf">
          {words.pdf}
        </a>
        <a class="button" href={link("xlsx")} download data-testid="pack-xlsx">
          {words.xlsx}
        </a>
      </div>
    </Card>
  );
}

interface UnitProps {
  unit: ColdUnit;
  kitchen: UnitNow | undefined;
  trouble: Trouble<IncidentBrief> | undefined;
  urgent: boolean;
}

function Unit({ unit, kitchen, trouble, urgent }: UnitProps): JSX.Element {
  const tone = unitTone(unit.state);
  const paper = tone === "red" ? " bad-unit" : tone === "orange" ? " warn-unit" : "";
  return (
    <section class={`card cold-unit${urgent ? " urgent" : ""}${paper}`} data-testid={`unit-${unit.device}`}>
      <div class="cold-now">
        <header>
          <h2>
            <Link to={`/devices/${unit.device}`}>{unit.name}</Link>
          </h2>
          <span class="aside">
            <Age at_ms={unit.air_at_ms} />
          </span>
        </header>
        <Now unit={unit} kitchen={kitchen} />
        {trouble !== undefined && <Take trouble={trouble} />}
        {kitchen !== undefined && <Kitchen unit={kitchen} compact={!urgent} />}
      </div>
      <div class="cold-past">
        <Day unit={unit} tall={urgent} />
        <Excursions unit={unit} />
      </div>
    </section>
  );
}

/** How warm, since when, the food, the door: what a cook asks first. */
function Now({ unit, kitchen }: { unit: ColdUnit; kitchen: UnitNow | undefined }): JSX.Element {
  const words = t().cold;
  const tone = unitTone(unit.state);
  const { limit_low: low, limit_high: high } = unit;
  const allowed = low !== null && high !== null ? words.range(decimal(low, 0), amount(high, "degC", 0)) : "";
  const more = [
    unit.door === null ? "" : `${words.door}${t().colon}${valueText("door", unit.door, "1")}`,
    unit.power_kw === null ? "" : `${words.power} ${amount(unit.power_kw, "kW")}`,
  ].filter((part) => part !== "");
  return (
    <>
      <div class="figures">
        <div>
          <p class="small quiet">{words.air}</p>
          <span data-testid={unit.air_point === null ? undefined : `point-${unit.air_point}`}>
            <LiveFigure point={unit.air_point} value={unit.air} at_ms={unit.air_at_ms} unit="degC" digits={1} />
          </span>
          <State tone={tone}>{unit.incident === null ? unitState(unit) : <Link to={`/incidents/${unit.incident}`}>{unitState(unit)}</Link>}</State>
        </div>
        <div>
          <p class="small quiet">{words.foodWord}</p>
          {unit.food === null ? (
            kitchen === undefined || kitchen.food_c === null ? (
              <p class="quiet small spaced">{t().todayPage.noFood}</p>
            ) : (
              <>
                <Figure value={kitchen.food_c} unit="degC" digits={1} medium />
                <p class="small faint">{kitchen.food_measured ? t().kitchen.measured : t().kitchen.estimated}</p>
              </>
            )
          ) : (
            <LiveFigure point={unit.food_point} value={unit.food} at_ms={unit.air_at_ms} unit="degC" digits={1} medium />
          )}
        </div>
      </div>
      <p class="small quiet">{[unit.state === "ok" || unit.since_ms === null ? "" : words.since(moment(unit.since_ms, now.value, lang.value, zone.value)), allowed, ...more].filter((part) => part !== "").join(" · ")}</p>
    </>
  );
}

/** One tap takes all of a unit's trouble on; afterwards it says who did. */
function Take({ trouble }: { trouble: Trouble<IncidentBrief> }): JSX.Element {
  if (trouble.waiting.length === 0) return <p class="small taken">{takenWords(trouble.lead)}</p>;
  return (
    <div class="buttons take no-print">
      <Acknowledge ids={trouble.waiting} large onAlert={trouble.lead.severity !== "notice"} />
    </div>
  );
}

function Day({ unit, tall }: { unit: ColdUnit; tall: boolean }): JSX.Element | null {
  const words = t().cold;
  const tone = unitTone(unit.state);
  const known = unit.series.value.filter((value): value is number => typeof value === "number");
  if (known.length < 2) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const start = unit.series.at_ms[0] ?? 0;
  const end = unit.series.at_ms[unit.series.at_ms.length - 1] ?? start + 1;
  const band =
    unit.limit_low === null || unit.limit_high === null
      ? undefined
      : { at: [start, end], low: [Math.max(unit.limit_low, low - 1.5), Math.max(unit.limit_low, low - 1.5)], high: [unit.limit_high, unit.limit_high] };
  return (
    <>
      <SmallChart
        lines={[{ at: unit.series.at_ms, value: unit.series.value, tone: tone === "green" ? "cyan" : tone }]}
        band={band}
        limits={unit.limit_high === null ? [] : [{ value: unit.limit_high, label: words.limitHigh(amount(unit.limit_high, "degC", 0)) }]}
        unit="degC"
        title={words.finding(unit.name, amount(low, "degC"), amount(high, "degC"))}
        start_ms={start}
        end_ms={end}
        height={tall ? 180 : 110}
        least={4}
        labels="ends"
        onAlert={tone === "red"}
      />
      <p class="small faint">{words.finding(words.air, amount(low, "degC"), amount(high, "degC"))}</p>
    </>
  );
}

function Excursions({ unit }: { unit: ColdUnit }): JSX.Element {
  const words = t().cold;
  if (unit.excursions.length === 0) return <p class="small quiet">{words.noExcursions}</p>;
  return (
    <>
      <h3 class="small-title">{words.excursions}</h3>
      <ul class="plain small">
        {unit.excursions.map((found) => (
          <li key={found.start_ms}>
            {moment(found.start_ms, now.value, lang.value, zone.value)} · {found.end_ms === null ? words.ongoing : duration(found.end_ms - found.start_ms, lang.value)} ·{" "}
            <b>{words.peak(amount(found.peak, "degC"))}</b>
          </li>
        ))}
      </ul>
    </>
  );
}
