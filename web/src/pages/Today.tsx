/** The first page: is everything all right, what now, how is today against a usual day. */
import type { JSX } from "preact";
import type { ColdUnit, Today as TodayData, UsageCard, WeekDay, Worth } from "../api/shapes";
import { Bars } from "../charts/Spark";
import { SmallChart } from "../charts/SmallChart";
import { dayStart } from "../charts/time";
import { against, lastBefore } from "../charts/geometry";
import { amount, clockTime, dayLong, isoDay, money, percent, weekday } from "../format";
import { Link } from "../router";
import { connection, lastReading, now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { site, zone } from "../state/site";
import { t } from "../texts";
import { Alerts } from "../ui/Alerts";
import { AllOf, Meters, Rooms, ROWS } from "../ui/NowRows";
import { UnitCard } from "../ui/UnitCard";
import { ColdIcon, ElectricityIcon, GoodIcon, InfoIcon, UnsureIcon, WaterIcon } from "../ui/Icons";
import { evidenceNumber, sentenceOf, titleOf } from "../ui/incident";
import { Age, Card, Empty, Figure, Page, Read, Section } from "../ui/parts";

const DAY = 86_400_000;

export function Today(): JSX.Element {
  const query = useQuery<TodayData>("/today", { on: ["incident", "inbox", "quarantine"], every_ms: 20_000 });
  const data = query.data.value;
  return (
    <Page title={t().nav.today} lead={<Lead data={data} />} right={<Pulse data={data} />}>
      <Read query={query} height={720}>
        {(today) => (
          <>
            <Verdict today={today} />
            <div class="grid two">
              <UseCard card={today.electricity} kind="electricity" dayKind={today.day_kind} />
              <UseCard card={today.water} kind="water" dayKind={today.day_kind} />
            </div>
            <ColdSection units={today.cold.units} />
            <div class="grid wide-left">
              <WorthCard worth={today.worth} today={today} />
              <WeekCard week={today.week} />
            </div>
            <div class="grid wide-left start">
              <Meters meters={today.meters} />
              <Rooms rooms={today.rooms} />
            </div>
            <Strip today={today} />
          </>
        )}
      </Read>
    </Page>
  );
}

function Lead({ data }: { data: TodayData | undefined }): JSX.Element {
  const words = t().todayPage;
  const at = now.value;
  const parts = [site.value?.name ?? "", at > 0 ? dayLong(at, lang.value, zone.value) : ""];
  if (data !== undefined) {
    const week = data.week_number === null ? "" : ` ${words.week(data.week_number)}`;
    parts.push(t().dayKind(data.day_kind) + week);
    if (data.outdoor_c !== null) parts.push(words.outdoor(amount(data.outdoor_c, "degC", 0)));
  }
  return <>{words.dayLead(parts.filter((part) => part !== ""))}</>;
}

function Pulse({ data }: { data: TodayData | undefined }): JSX.Element | null {
  if (data === undefined) return null;
  const online = data.cold.units.filter((unit) => unit.state !== "silent").length;
  const newest = Math.max(lastReading.value, data.last_reading_ms ?? 0);
  const well = connection.value === "open" && online === data.cold.units.length;
  return (
    <span class={`pulse${well ? "" : " off"}`}>
      {data.cold.units.length > 0 && `${t().todayPage.coldOnline(online, data.cold.units.length)} · `}
      {newest === 0 ? t().connection.noReading : <LastReading at_ms={newest} />}
    </span>
  );
}

function LastReading({ at_ms }: { at_ms: number }): JSX.Element {
  const [before = "", after = ""] = t().connection.lastReading("\u0000").split("\u0000");
  return (
    <>
      {before}
      <Age at_ms={at_ms} />
      {after}
    </>
  );
}

/** One sentence that answers: is everything all right? */
function Verdict({ today }: { today: TodayData }): JSX.Element {
  const words = t().todayPage;
  const open = today.incidents;
  const urgent = open.filter((item) => item.state === "firing" && item.severity !== "notice");
  let icon = <GoodIcon aria-hidden="true" />;
  let unsure = "";
  let title = words.calmTitle;
  let more: string;
  if (urgent.length > 0) {
    return (
      <div data-testid="verdict">
        <Alerts incidents={open} />
      </div>
    );
  }
  if (today.last_reading_ms === null) {
    icon = <UnsureIcon aria-hidden="true" />;
    unsure = " unsure";
    title = words.unsureTitle;
    more = words.unsure;
  } else {
    const silent = today.cold.units.filter((unit) => unit.state === "silent");
    const online = `${today.counts.online}/${today.counts.devices}`;
    if (silent.length > 0) {
      icon = <UnsureIcon aria-hidden="true" />;
      unsure = " unsure";
      title = words.unsureTitle;
      more = words.silentSome(silent.map((unit) => unit.name).join(t().listComma));
    } else {
      if (open.length > 0) title = words.attention;
      const cold = today.cold.units.length > 0 ? words.calmCold(today.cold.units.length) : "";
      more = `${cold}${words.calmOnline(online)}${open.length > 0 ? words.attentionMore(open.length) : ""}`;
    }
  }
  return (
    <div class="grid" data-testid="verdict">
      <section class={`calm${unsure}`}>
        {icon}
        <div>
          <h2>{title}</h2>
          <p class="quiet">{more}</p>
        </div>
      </section>
      <Alerts incidents={open} />
    </div>
  );
}

interface UseProps {
  card: UsageCard;
  kind: "electricity" | "water";
  dayKind: string;
}

/** What a day's use is beside usual days: the sentence and its tone. */
export function comparison(card: UsageCard, dayKind: string): { text: string; tone: string } {
  const words = t().todayPage;
  const { total, usual, usual_low: low, usual_high: high } = card;
  if (total === null || usual === null || low === null || high === null || usual <= 0) {
    return { text: t().notEnough, tone: "quiet" };
  }
  const share = percent(Math.abs(total / usual - 1));
  const kind = t().dayKind(dayKind);
  // Inside the usual band, or within three per cent, nobody needs to think about it.
  const where = Math.abs(total / usual - 1) < 0.03 ? "usual" : against(total, low, high);
  if (where === "below") return { text: words.fewer(share, kind), tone: "good" };
  return where === "above" ? { text: words.more(share, kind), tone: "warn" } : { text: words.same(kind), tone: "quiet" };
}

function UseCard({ card, kind, dayKind }: UseProps): JSX.Element {
  const words = t().todayPage;
  const { text, tone } = comparison(card, dayKind);
  const title = words[kind];
  const start = card.hours.at_ms[0] ?? dayStart(card.until_ms, zone.value);
  const value = card.hours.value.map((amount_, index) => ((card.hours.at_ms[index] ?? 0) <= card.until_ms ? amount_ : null));
  // The hour that is not over yet would always look like a fall.
  const running = lastBefore(card.hours.at_ms, card.until_ms);
  if (running >= 0 && card.until_ms - (card.hours.at_ms[running] ?? 0) < 3_300_000) value[running] = null;
  return (
    <Link to={`/${kind}`} class="card">
      <header>
        <h2>{title}</h2>
        <span class="aside">{t().until(clockTime(card.until_ms, lang.value, zone.value))}</span>
      </header>
      {card.total === null ? (
        <Empty icon={kind === "water" ? WaterIcon : ElectricityIcon} title={kind === "water" ? words.noMeterWater : words.noMeter}>
          <p>{words.noMeterMore}</p>
        </Empty>
      ) : (
        <>
          <Figure value={card.total} unit={card.unit} />
          <p class="compare">
            <b class={tone}>{text}</b>
            {card.cost_cny !== null && <span class="quiet"> · {t().about(money(card.cost_cny))}</span>}
            {card.coverage < 0.95 && <span class="quiet"> · {t().coverage(percent(card.coverage))}</span>}
          </p>
          <SmallChart
            lines={[{ at: card.hours.at_ms, value, tone: kind === "water" ? "blue" : "amber" }]}
            band={{ at: card.hours.at_ms, low: card.hours.low, high: card.hours.high }}
            unit={card.unit}
            title={`${title} ${text}`}
            start_ms={start}
            end_ms={start + DAY}
            zero
          />
        </>
      )}
    </Link>
  );
}

function ColdSection({ units }: { units: readonly ColdUnit[] }): JSX.Element {
  const words = t().todayPage;
  const excursions = units.reduce((sum, unit) => sum + unit.excursions.length, 0);
  return (
    <Section title={words.cold} aside={units.length > 0 ? words.coldLead(excursions) : undefined}>
      {units.length === 0 ? (
        <Card>
          <Empty icon={ColdIcon} title={words.noCold}>
            <p>{words.noColdMore}</p>
          </Empty>
        </Card>
      ) : (
        <div class="grid units fit">
          {urgentFirst(units)
            .slice(0, ROWS)
            .map((unit) => (
              <UnitCard key={unit.device} unit={unit} />
            ))}
        </div>
      )}
      <AllOf count={units.length} to="/cold" />
    </Section>
  );
}

const GRAVITY: Readonly<Record<string, number>> = { critical: 0, alarm: 1, silent: 2, warm: 3, notice: 4, unknown: 4, ok: 5 };

/** Where all fit they keep their places; of many, those that need somebody come first. */
function urgentFirst(units: readonly ColdUnit[]): readonly ColdUnit[] {
  if (units.length <= ROWS) return units;
  return [...units].sort((a, b) => (GRAVITY[a.state] ?? 4) - (GRAVITY[b.state] ?? 4));
}

function WorthCard({ worth, today }: { worth: readonly Worth[]; today: TodayData }): JSX.Element {
  const words = t().todayPage;
  return (
    <Card title={words.worth} aside={worth.length > 0 ? words.worthOrder : undefined}>
      {worth.length === 0 ? (
        <Empty icon={InfoIcon} title={today.electricity.usual === null ? t().notEnough : words.worthNone}>
          <p>{today.electricity.usual === null ? t().notEnoughUsual : words.worthNoneMore}</p>
        </Empty>
      ) : (
        <ul class="rows">
          {worth.map((item) => (
            <WorthRow key={`${item.kind}-${item.device}`} item={item} today={today} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function WorthRow({ item, today }: { item: Worth; today: TodayData }): JSX.Element {
  const words = t().todayPage;
  const incident = today.incidents.find((found) => found.id === item.incident);
  let title = item.device_name;
  let more = "";
  if (incident !== undefined) {
    title = titleOf(incident);
    more = sentenceOf(incident);
  } else if (item.kind === "out_of_hours") {
    const used = evidenceNumber(item, "kwh") ?? 0;
    const usual = evidenceNumber(item, "usual_kwh") ?? 0;
    title = words.leftOn(item.device_name);
    more = words.leftOnMore(amount(used, "kWh"), amount(usual, "kWh"));
  }
  const water = item.kind === "continuous_flow";
  const Icon = water ? WaterIcon : ElectricityIcon;
  return (
    <li>
      <span class={`icon tone-${water ? "blue" : "amber"}`}>
        <Icon aria-hidden="true" />
      </span>
      <span class="what">
        <b>
          <Link to={incident === undefined ? `/devices/${item.device}` : `/incidents/${incident.id}`}>{title}</Link>
        </b>
        <span>{more}</span>
      </span>
      <span class="worth">
        <b>{money(item.cny)}</b>
        {incident !== undefined && <span>{words.perDay(money(item.cny_per_day))}</span>}
      </span>
    </li>
  );
}

function WeekCard({ week }: { week: readonly WeekDay[] }): JSX.Element {
  const words = t().todayPage;
  const today = isoDay(now.value, zone.value);
  const bars = week.map((day) => ({
    key: day.day,
    value: day.value,
    low: day.low,
    high: day.high,
    under: day.day === today ? t().today : weekday(day.start_ms, lang.value, zone.value),
    title: `${dayLong(day.start_ms, lang.value, zone.value)} ${amount(day.value, "kWh")}`,
    strong: day.day === today,
  }));
  return (
    <Card title={words.weekTitle} aside={words.weekAside}>
      <Bars bars={bars} tone="amber" unit="kWh" title={words.weekTitle} />
    </Card>
  );
}

function Strip({ today }: { today: TodayData }): JSX.Element {
  const words = t().todayPage;
  const { counts } = today;
  const pieces: [string, readonly [string, string]][] = [
    ["/devices", words.onlinePoints(counts.online, counts.devices)],
    ["/inbox", words.waiting(counts.inbox)],
    ["/quarantine", words.held(counts.quarantine)],
  ];
  return (
    <p class="strip">
      {pieces.map(([to, [figure, text]]) => (
        <Link key={to} to={to}>
          <b>{figure}</b> {text}
        </Link>
      ))}
      <span>{t().estimatedShare(percent(counts.estimated, 1))}</span>
      <span>{words.saved}</span>
    </p>
  );
}
