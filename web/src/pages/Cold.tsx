/** Cold storage: each unit with its day, its band, its door, and what went over it. */
import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import type { Cold as ColdData, ColdUnit, UnitList, UnitNow } from "../api/shapes";
import { SmallChart } from "../charts/SmallChart";
import { amount, decimal, duration, moment } from "../format";
import { Link } from "../router";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { ColdIcon } from "../ui/Icons";
import { Age, Card, Empty, LiveFigure, Page, Read, State } from "../ui/parts";
import { valueText } from "../ui/points";
import { unitState, unitTone } from "../ui/UnitCard";
import { Kitchen } from "./Kitchen";

export default function Cold(): JSX.Element {
  const query = useQuery<ColdData>("/cold", { on: ["incident"], every_ms: 20_000 });
  const kitchen = useQuery<UnitList>("/cold/units", { on: ["incident"], every_ms: 20_000 });
  const nowOf = new Map((kitchen.data.value?.items ?? []).map((unit) => [unit.device, unit]));
  const words = t().cold;
  return (
    <Page
      title={words.title}
      lead={words.lead}
      right={
        <button class="button small no-print" type="button" onClick={() => print()}>
          {words.record}
        </button>
      }
    >
      <Read query={query} height={640}>
        {(data) =>
          data.units.length === 0 ? (
            <Card>
              <Empty icon={ColdIcon} title={t().todayPage.noCold}>
                <p>{t().todayPage.noColdMore}</p>
              </Empty>
            </Card>
          ) : (
            <div class="grid two">
              {data.units.map((unit) => (
                <Unit key={unit.device} unit={unit} kitchen={nowOf.get(unit.device)} />
              ))}
              <InspectorPack />
            </div>
          )
        }
      </Read>
    </Page>
  );
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
        <label class="field">
          {words.from}
          <input type="date" required max={to} value={from} onInput={(event) => (from.value = event.currentTarget.value)} />
        </label>
        <label class="field">
          {words.to}
          <input type="date" required min={from} value={to} onInput={(event) => (to.value = event.currentTarget.value)} />
        </label>
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

function Unit({ unit, kitchen }: { unit: ColdUnit; kitchen: UnitNow | undefined }): JSX.Element {
  const words = t().cold;
  const tone = unitTone(unit.state);
  const known = unit.series.value.filter((value): value is number => typeof value === "number");
  const low = known.length > 0 ? Math.min(...known) : null;
  const high = known.length > 0 ? Math.max(...known) : null;
  const paper = tone === "red" ? "bad-unit" : tone === "orange" ? "warn-unit" : "";
  const start = unit.series.at_ms[0] ?? now.value - 86_400_000;
  const end = unit.series.at_ms[unit.series.at_ms.length - 1] ?? now.value;
  const band = unit.limit_low !== null && unit.limit_high !== null ? { at: [start, end], low: [unit.limit_low, unit.limit_low], high: [unit.limit_high, unit.limit_high] } : undefined;
  return (
    <Card class={`cold-unit ${paper}`} title={<Link to={`/devices/${unit.device}`}>{unit.name}</Link>} aside={<Age at_ms={unit.air_at_ms} />}>
      <div class="figures">
        <div>
          <p class="small quiet">{words.air}</p>
          <LiveFigure point={unit.air_point} value={unit.air} at_ms={unit.air_at_ms} unit="degC" digits={1} />
          <State tone={tone}>{unit.incident === null ? unitState(unit) : <Link to={`/incidents/${unit.incident}`}>{unitState(unit)}</Link>}</State>
        </div>
        <div>
          <p class="small quiet">{words.foodWord}</p>
          {unit.food === null ? (
            kitchen === undefined || kitchen.food_c === null ? (
              <p class="quiet small spaced">{t().todayPage.noFood}</p>
            ) : (
              <p class="spaced">
                <b>{amount(kitchen.food_c, "degC", 1)}</b> <span class="small faint">{t().kitchen.estimated}</span>
              </p>
            )
          ) : (
            <LiveFigure point={unit.food_point} value={unit.food} at_ms={unit.air_at_ms} unit="degC" digits={1} medium />
          )}
          {unit.limit_low !== null && unit.limit_high !== null && <p class="small faint">{words.range(decimal(unit.limit_low, 0), amount(unit.limit_high, "degC", 0))}</p>}
        </div>
        <div>
          <p class="small quiet">{words.exposure}</p>
          <p class="spaced">{unit.exposure_min === null || unit.exposure_min < 1 ? words.exposureNone : duration(unit.exposure_min * 60_000, lang.value)}</p>
          <p class="small faint">
            {unit.door !== null && `${words.door} ${valueText("door", unit.door, "1")}`}
            {unit.door !== null && unit.power_kw !== null && " · "}
            {unit.power_kw !== null && amount(unit.power_kw * 1000, "W", 0)}
          </p>
        </div>
      </div>
      {kitchen !== undefined && <Kitchen unit={kitchen} />}
      {known.length > 1 && low !== null && high !== null && (
        <>
          <SmallChart
            lines={[{ at: unit.series.at_ms, value: unit.series.value, tone: tone === "green" ? "cyan" : tone }]}
            band={band}
            limits={unit.limit_high === null ? [] : [{ value: unit.limit_high, label: words.limitHigh(amount(unit.limit_high, "degC", 0)) }]}
            unit="degC"
            title={words.finding(unit.name, amount(low, "degC"), amount(high, "degC"))}
            start_ms={start}
            end_ms={end}
            height={140}
            least={4}
            labels="ends"
          />
          <p class="small faint">{words.finding(words.air, amount(low, "degC"), amount(high, "degC"))}</p>
        </>
      )}
      <h3 class="small-title">{words.excursions}</h3>
      {unit.excursions.length === 0 ? (
        <p class="small quiet">{words.noExcursions}</p>
      ) : (
        <ul class="rows">
          {unit.excursions.map((found) => (
            <li key={found.start_ms}>
              <span class="what">
                <b>{moment(found.start_ms, now.value, lang.value, zone.value)}</b>
                <span>{found.end_ms === null ? words.ongoing : duration(found.end_ms - found.start_ms, lang.value)}</span>
              </span>
              <span class="worth">
                <b>{words.peak(amount(found.peak, "degC"))}</b>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
