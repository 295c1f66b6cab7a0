/** The term in figures a principal tells others: what it cost, what was wasted, what was kept. */
import type { ComponentChildren, JSX } from "preact";
import type { Kpis } from "../api/shapes";
import { Bars } from "../charts/Spark";
import { amount, dayShort, duration, isoDay, money, percent } from "../format";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { TermIcon } from "../ui/Icons";
import { Card, Empty, Figure, Page, Read } from "../ui/parts";

type Value = Kpis["values"][number];
const WANTED = [
  "electricity_kwh",
  "electricity_kwh_pupil",
  "electricity_cny",
  "water_m3",
  "water_m3_pupil",
  "water_cny",
  "utilities_cny",
  "electricity_out_of_hours_share",
  "water_leak_m3",
  "water_leak_h",
  "water_leak_cny",
  "carbon_kg",
  "cold_compliance_share",
  "incident_acknowledge_share",
];
const WEEK = ["electricity_kwh", "electricity_out_of_hours_share"];
const DAY = 86_400_000;

export default function Term(): JSX.Element {
  const words = t().term;
  const names = WANTED.map((name) => `kpi=${name}`).join("&");
  const from = isoDay(now.value - 365 * DAY, zone.value);
  const query = useQuery<Kpis>(`/kpis?period=term&from=${from}&${names}`, { every_ms: 300_000 });
  const newest = newestTerm(query.data.value);
  const first = newest.get("electricity_kwh") ?? [...newest.values()][0];
  const over = first !== undefined && first.end_ms <= now.value;
  const lead = first === undefined ? undefined : over ? words.between : words.lead(dayShort(first.start_ms, lang.value, zone.value));
  return (
    <Page title={words.title} lead={lead}>
      <Read query={query} height={520}>
        {(data) =>
          first === undefined ? (
            <Card>
              <Empty icon={TermIcon} title={words.none}>
                <p>{words.noneMore}</p>
              </Empty>
            </Card>
          ) : (
            <Body of={newest} sentence={data.kpis.find((kpi) => kpi.name === "carbon_kg")?.texts[lang.value]?.sentence ?? ""} start_ms={first.start_ms} end_ms={Math.min(first.end_ms, now.value)} />
          )
        }
      </Read>
    </Page>
  );
}

/** The values of the term that began last. */
function newestTerm(data: Kpis | undefined): ReadonlyMap<string, Value> {
  const values = (data?.values ?? []).filter((value) => value.start_ms <= now.value);
  const start = Math.max(0, ...values.map((value) => value.start_ms));
  return new Map(values.filter((value) => value.start_ms === start).map((value) => [value.kpi, value]));
}

function Body({ of, sentence, start_ms, end_ms }: { of: ReadonlyMap<string, Value>; sentence: string; start_ms: number; end_ms: number }): JSX.Element {
  const words = t().term;
  const value = (name: string) => of.get(name)?.value ?? null;
  const share = value("electricity_out_of_hours_share");
  const [kwh, kwhCost] = [value("electricity_kwh"), value("electricity_cny")];
  const leak = value("water_leak_m3");
  const response = of.get("incident_acknowledge_share");
  return (
    <>
      <div class="grid three">
        <Fact title={words.spent} value={of.get("utilities_cny")} shown={<Money cny={value("utilities_cny")} />}>
          <Line name={words.electricity} cny={kwhCost} text={amount(kwh, "kWh", 0)} each={amount(value("electricity_kwh_pupil"), "kWh")} />
          <Line name={words.water} cny={value("water_cny")} text={amount(value("water_m3"), "m3", 0)} each={amount(value("water_m3_pupil"), "m3")} />
          <p class="small faint">{lastYear(of.get("electricity_kwh"))}</p>
        </Fact>
        <Fact title={words.closed} value={of.get("electricity_out_of_hours_share")} shown={<Figure value={share} unit="%" digits={0} />}>
          {share !== null && kwhCost !== null && <p>{words.closedOf(money((kwhCost * share) / 100))}</p>}
          <p class="small faint">{words.closedGuide}</p>
        </Fact>
        <Fact title={words.leak} value={of.get("water_leak_m3")} shown={<Figure value={leak} unit="m3" />}>
          <p>{leak === null || leak <= 0 ? words.leakNone : words.leakOf(duration((value("water_leak_h") ?? 0) * 3_600_000, lang.value), money(value("water_leak_cny") ?? 0))}</p>
        </Fact>
      </div>
      <div class="grid three">
        <Fact title={words.cold} value={of.get("cold_compliance_share")} shown={<Figure value={value("cold_compliance_share")} unit="%" digits={2} />}>
          <p class="small faint">{words.coldGuide}</p>
        </Fact>
        <Fact title={words.response} value={undefined} shown={<Figure value={response?.value ?? null} unit="%" digits={0} />}>
          <p>{typeof response?.value === "number" ? words.responseOf(`${response.count}`) : words.responseNone}</p>
        </Fact>
        <Fact title={words.carbon} value={of.get("carbon_kg")} shown={<Figure value={tonnes(value("carbon_kg"))} unit="t" digits={1} />}>
          <p class="small faint">{sentence}</p>
        </Fact>
      </div>
      <Weeks start_ms={start_ms} end_ms={end_ms} />
    </>
  );
}

function tonnes(kg: number | null): number | null {
  return kg === null ? null : kg / 1000;
}

/** How a figure stands to the same part of last year. */
function lastYear(value: Value | undefined): string {
  const words = t().term;
  const [used, before] = [value?.value, value?.last_year];
  if (typeof used !== "number" || typeof before !== "number" || before <= 0) return words.noLast;
  const change = used / before - 1;
  return change <= 0 ? words.lessLast(percent(-change)) : words.moreLast(percent(change));
}

function Money({ cny }: { cny: number | null }): JSX.Element {
  return (
    <div class="figure">
      <b>{cny === null ? "–" : money(cny)}</b>
    </div>
  );
}

function Fact({ title, value, shown, children }: { title: string; value: Value | undefined; shown: JSX.Element; children?: ComponentChildren }): JSX.Element {
  const coverage = value?.coverage ?? null;
  return (
    <Card title={title} aside={coverage === null || coverage >= 0.95 ? undefined : t().term.coverage(percent(coverage))}>
      {shown}
      {children}
    </Card>
  );
}

function Line({ name, cny, text, each }: { name: string; cny: number | null; text: string; each: string }): JSX.Element {
  return (
    <p>
      {name} {cny === null ? "–" : money(cny)} <span class="quiet">· {text} · {t().term.perPupil(each)}</span>
    </p>
  );
}

function Weeks({ start_ms, end_ms }: { start_ms: number; end_ms: number }): JSX.Element | null {
  const words = t().term;
  const names = WEEK.map((name) => `kpi=${name}`).join("&");
  const from = isoDay(start_ms - 7 * DAY, zone.value);
  const data = useQuery<Kpis>(`/kpis?period=week&from=${from}&to=${isoDay(end_ms, zone.value)}&${names}`, { every_ms: 300_000 }).data.value;
  if (data === undefined) return null;
  const share = new Map(data.values.filter((value) => value.kpi === WEEK[1]).map((value) => [value.start_ms, value.value]));
  const weeks = data.values.filter((value) => value.kpi === WEEK[0] && value.end_ms > start_ms);
  if (weeks.length < 2) return null;
  return (
    <Card title={words.weeks} aside={words.weeksAside}>
      <Bars
        bars={weeks.map((week) => {
          const closed = share.get(week.start_ms) ?? null;
          return {
            key: `${week.start_ms}`,
            value: week.value ?? null,
            low: null,
            high: null,
            under: dayShort(week.start_ms, lang.value, zone.value),
            title: `${words.week(dayShort(week.start_ms, lang.value, zone.value))}${t().colon}${amount(week.value ?? null, "kWh")}`,
            faint: week.end_ms > now.value,
            ...(closed === null ? {} : { part: closed / 100 }),
          };
        })}
        tone="amber"
        unit="kWh"
        title={words.weeks}
        height={140}
      />
    </Card>
  );
}
