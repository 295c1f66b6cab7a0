/** Electricity or water of a day: how much, when, where, and beside usual days. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Usage as UsageData } from "../api/shapes";
import { lastBefore } from "../charts/geometry";
import { History } from "../charts/History";
import { Bars, Heat } from "../charts/Spark";
import { amount, clockTime, dayLong, dayShort, isoDay, money, percent, weekday } from "../format";
import { Link, params, setParam } from "../router";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { ElectricityIcon, WaterIcon } from "../ui/Icons";
import { Card, DayField, Empty, Figure, Note, Page, Read } from "../ui/parts";
import { comparison } from "./Today";

const DAY = 86_400_000;
const HOURS = Array.from({ length: 24 }, (_, hour) => `${hour}`);

export default function Usage({ kind }: { kind: "electricity" | "water" }): JSX.Element {
  const day = params.value.get("day") ?? "";
  const query = useQuery<UsageData>(`/usage/${kind}${day === "" ? "" : `?day=${day}`}`, { every_ms: day === "" ? 20_000 : 0 });
  const words = t().usage;
  const today = isoDay(now.value || Date.now(), zone.value);
  const shown = query.data.value?.day ?? today;
  const move = (by: number) => {
    const at = new Date(`${shown}T12:00:00Z`).getTime() + by * DAY;
    const next = new Date(at).toISOString().slice(0, 10);
    setParam("day", next >= today ? "" : next);
  };
  const switcher = (
    <div class="buttons">
      <button class="button small" type="button" onClick={() => move(-1)} aria-label={words.previousDay}>
        ‹
      </button>
      <DayField bare label={words.chooseDay} max={today} value={shown} onChange={(value) => setParam("day", value === today ? "" : value)} />
      <button class="button small" type="button" disabled={shown >= today} onClick={() => move(1)} aria-label={words.nextDay}>
        ›
      </button>
    </div>
  );
  return (
    <Page title={words[kind].title} lead={words.lead} right={switcher}>
      <Read query={query} height={640}>
        {(data) => <Body data={data} kind={kind} today={today} />}
      </Read>
    </Page>
  );
}

function Body({ data, kind, today }: { data: UsageData; kind: "electricity" | "water"; today: string }): JSX.Element {
  const words = t().usage;
  const { card } = data;
  const tone = kind === "water" ? "blue" : "amber";
  const { text, tone: verdict } = comparison(card, data.day_kind);
  const chart = useMemo(() => {
    const last = lastBefore(card.hours.at_ms, card.until_ms);
    const running = data.day === today;
    const row = {
      at: [...card.hours.at_ms],
      value: card.hours.value.map((found, index) => (running && index >= last ? null : found)),
      usualLow: [...card.hours.low],
      usualHigh: [...card.hours.high],
    };
    // The last whole interval is drawn to its end, as all others are.
    const end = row.at[last];
    if (running && last > 0 && end !== undefined) {
      row.at.splice(last, 0, end - 1);
      for (const values of [row.value, row.usualLow, row.usualHigh]) values.splice(last, 0, values[last - 1] ?? null);
    }
    return row;
  }, [card, data.day, today]);
  if (card.total === null) {
    return (
      <Card>
        <Empty icon={kind === "water" ? WaterIcon : ElectricityIcon} title={words.noData}>
          <p>{words.noDataMore}</p>
        </Empty>
      </Card>
    );
  }
  const share = data.out_of_hours === null || card.total === 0 ? null : data.out_of_hours / card.total;
  return (
    <>
      <Card
        title={`${dayLong(data.start_ms, lang.value, zone.value)} · ${t().dayKind(data.day_kind)}`}
        aside={data.day === today ? t().until(clockTime(card.until_ms, lang.value, zone.value)) : words.profileAside}
      >
        <div class="figures">
          <div>
            <p class="small quiet">{words.total}</p>
            <Figure value={card.total} unit={card.unit} />
            <p class={`small ${verdict}`}>{text}</p>
          </div>
          <div>
            <p class="small quiet">{words.usual}</p>
            <Figure value={card.usual} unit={card.unit} medium />
            {card.usual_low !== null && card.usual_high !== null && (
              <p class="small faint">{t().usualRange(amount(card.usual_low, ""), amount(card.usual_high, card.unit))}</p>
            )}
          </div>
          <div>
            <p class="small quiet">{words.cost}</p>
            <div class="figure medium">
              <b>{card.cost_cny === null ? "–" : money(card.cost_cny)}</b>
            </div>
            <p class="small faint">{t().coverage(percent(card.coverage))}</p>
          </div>
          <div>
            <p class="small quiet">{words.outOfHours}</p>
            <Figure value={data.out_of_hours} unit={card.unit} medium />
            {share !== null && <p class="small faint">{words.outOfHoursShare(percent(share))}</p>}
          </div>
        </div>
        <History data={chart} unit={card.unit} tone={tone} title={words.profile} zero steps height={260} range={{ start_ms: data.start_ms, end_ms: data.end_ms }} />
        {data.missing.length > 0 && <Note>{words.missing(data.missing.join(t().listComma))}</Note>}
      </Card>
      <div class="grid two">
        <Meters data={data} tone={tone} />
        <Card title={words.heat} aside={words.heatAside}>
          <p class="small quiet">{heatSentence(data)}</p>
          <Heat
            rows={data.heat.map((values, index) => ({ key: `${index}`, label: dayName(index), values }))}
            columns={HOURS}
            tone={tone}
            title={words.heat}
            cell={(row, column) => words.heatCell(dayName(row), column, amount(data.heat[row]?.[column] ?? null, card.unit))}
          />
        </Card>
      </div>
      <Card title={words.days} aside={words.daysAside}>
        <Bars
          bars={data.days.map((day, index) => ({
            key: day.day,
            value: day.value,
            low: day.low,
            high: day.high,
            under: (data.days.length - 1 - index) % 7 === 0 ? dayShort(day.start_ms, lang.value, zone.value) : "",
            title: `${dayLong(day.start_ms, lang.value, zone.value)} ${amount(day.value, card.unit)}`,
            strong: day.day === data.day,
            faint: day.coverage < 0.9,
          }))}
          tone={tone}
          unit={card.unit}
          title={words.days}
          figures={false}
          height={120}
        />
        <p class="small faint after-bars">{mostOf(data)}</p>
      </Card>
    </>
  );
}

/** The day of the most, as a sentence under the bars. */
function mostOf(data: UsageData): string {
  const most = data.days.reduce<UsageData["days"][number] | undefined>((best, day) => ((day.value ?? -1) > (best?.value ?? -1) ? day : best), undefined);
  if (most === undefined || most.value === null) return "";
  return t().usage.daysMost(amount(most.value, data.card.unit), dayLong(most.start_ms, lang.value, zone.value));
}

/** The hour of the most, as a sentence over the map. */
function heatSentence(data: UsageData): string {
  let [best, day, hour] = [-1, 0, 0];
  data.heat.forEach((values, row) => {
    values.forEach((value, column) => {
      if ((value ?? -1) > best) [best, day, hour] = [value ?? -1, row, column];
    });
  });
  return best <= 0 ? "" : t().usage.heatMost(dayName(day), hour, amount(best, data.card.unit));
}

/** Monday is 0. */
function dayName(index: number): string {
  return weekday(Date.UTC(2024, 0, 1 + index, 12), lang.value, "UTC");
}

function Meters({ data, tone }: { data: UsageData; tone: string }): JSX.Element {
  const words = t().usage;
  const ids = new Set(data.meters.map((meter) => meter.device));
  const roots = data.meters.filter((meter) => !ids.has(meter.parent));
  const rows: { key: string; name: string; depth: number; total: number | null; share: number | null; to: string }[] = [];
  const add = (meter: UsageData["meters"][number], depth: number) => {
    rows.push({ key: `${meter.device}`, name: meter.name, depth, total: meter.total, share: meter.share, to: `/devices/${meter.device}` });
    const below = data.meters.filter((other) => other.parent === meter.device);
    below.sort((a, b) => (b.total ?? -1) - (a.total ?? -1));
    for (const other of below) add(other, depth + 1);
  };
  for (const root of roots) add(root, 0);
  if (data.unmetered !== null && data.card.total) {
    rows.push({ key: "rest", name: words.rest, depth: 1, total: data.unmetered, share: data.unmetered / data.card.total, to: "" });
  }
  return (
    <Card title={words.byMeter}>
      <ul class="shares">
        {rows.map((row) => (
          <li key={row.key} class={`tone-${tone}`} style={{ paddingLeft: `${row.depth * 18}px` }}>
            <span class="share-name">{row.to === "" ? <span class="quiet">{row.name}</span> : <Link to={row.to}>{row.name}</Link>}</span>
            <b class="number">{amount(row.total, data.card.unit)}</b>
            <span class="number faint">{row.share === null ? "" : percent(row.share)}</span>
            <i class="share-bar" style={{ "--share": `${Math.min(100, (row.share ?? 0) * 100)}%` }} />
          </li>
        ))}
      </ul>
    </Card>
  );
}
