/** How an incident is told: a title, a sentence, a tone; from its rule and its evidence. */
import type { Tone } from "../charts/SmallChart";
import type { IncidentLike } from "../api/shapes";
import { amount, duration, moment } from "../format";
import { now } from "../state/live";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";

/** Evidence is figures and words of the rule; nothing in it is taken for granted. */
export function evidenceNumber(incident: Pick<IncidentLike, "evidence">, ...names: string[]): number | undefined {
  for (const name of names) {
    const value = incident.evidence[name];
    if (typeof value === "number") return value;
  }
  return undefined;
}

/** The colour of its state. */
export function toneOf(incident: Pick<IncidentLike, "severity" | "state">): Tone {
  if (incident.state === "resolved") return "ink";
  if (incident.state === "recovering") return "green";
  if (incident.severity === "critical") return "red";
  return incident.severity === "alarm" ? "orange" : "ink";
}

type Kind = "warm" | "hold" | "silent" | "flow" | "other";

function kindOf(rule: string): Kind {
  if (rule === "cold_storage_warm") return "warm";
  if (rule === "device_silent") return "silent";
  if (rule === "food_hold") return "hold";
  return rule === "continuous_flow" ? "flow" : "other";
}

/** The rule in words; the API has them, for every rule there is. */
export function ruleName(incident: Pick<IncidentLike, "rule" | "rule_names">): string {
  return incident.rule_names[lang.value] ?? incident.rule;
}

/** What is wrong with one device: the incident that matters most, and what it says already. */
export interface Trouble<T extends IncidentLike> {
  lead: T;
  rest: T[];
  /** Since when something is wrong: a hold begins long after the heat. */
  since_ms: number;
  /** Those that nobody has taken on yet. */
  waiting: number[];
}

/** A warning of what has come true already tells nobody anything. */
const SUPERSEDED: Readonly<Record<string, readonly string[]>> = { cold_warning: ["cold_storage_warm", "food_hold"] };

/** One entry a device, in the order of the gravest of each; what recovered stands apart. */
export function troubles<T extends IncidentLike>(incidents: readonly T[]): Trouble<T>[] {
  const found = new Map<string, T[]>();
  for (const item of incidents) {
    const key = item.device === 0 ? `incident ${item.id}` : `${item.device} ${item.state === "recovering"}`;
    found.set(key, [...(found.get(key) ?? []), item]);
  }
  const rank = (item: T) => (item.state === "recovering" ? 2 : item.state === "firing" && item.severity !== "notice" ? 0 : 1);
  const told = [...found.values()].flatMap((items) => {
    const [first] = items;
    if (first === undefined) return [];
    const rules = new Set(items.map((item) => item.rule));
    const spoken = items.filter((item) => !(SUPERSEDED[item.rule] ?? []).some((rule) => rules.has(rule)));
    const lead = spoken.find((item) => rank(item) === 0) ?? spoken[0] ?? first;
    return {
      lead,
      rest: spoken.filter((item) => item !== lead),
      since_ms: Math.min(...items.map((item) => item.since_ms)),
      waiting: [lead, ...items.filter((item) => item !== lead)].filter((item) => item.acknowledged_ms === null).map((item) => item.id),
    };
  });
  return told.sort((a, b) => rank(a.lead) - rank(b.lead));
}

/** How long it lasted, or lasts. */
export function lasting(incident: Pick<IncidentLike, "since_ms" | "recovered_ms" | "closed_ms">): string {
  const end = incident.recovered_ms ?? incident.closed_ms ?? now.value;
  return duration(Math.max(0, end - incident.since_ms), lang.value);
}

/** What happened, in a line. */
export function titleOf(incident: IncidentLike): string {
  const words = t().rule;
  const name = incident.device_name;
  switch (kindOf(incident.rule)) {
    case "warm": {
      const shown = incident.state === "firing" || incident.state === "acknowledged" ? ["air_c", "peak_c"] : ["peak_c"];
      const value = evidenceNumber(incident, ...shown);
      const limit = evidenceNumber(incident, "limit_c");
      if (value === undefined || limit === undefined) return words.warm.titlePlain(name);
      return words.warm.title(name, amount(value, "degC"), amount(limit, "degC", 0));
    }
    case "hold":
      return words.hold.title(name);
    case "silent":
      return words.silent.title(name);
    case "flow": {
      const flow = evidenceNumber(incident, "flow_l_h");
      return flow === undefined ? words.flow.title(name) : words.flow.titleRate(name, amount(flow, "L/h"));
    }
    default:
      return incident.titles[lang.value] ?? `${name}${t().colon}${incident.rule}`;
  }
}

/** What it means, in a sentence or two. */
export function sentenceOf(incident: IncidentLike): string {
  const words = t().rule;
  const since = moment(incident.since_ms, now.value, lang.value, zone.value);
  const long = lasting(incident);
  switch (kindOf(incident.rule)) {
    case "warm":
      return words.warm.sentence(since, long);
    case "hold": {
      const [exposure, decision, limit] = ["exposure_min", "decision_min", "limit_c"].map((key) => evidenceNumber(incident, key));
      if (exposure === undefined || decision === undefined || limit === undefined) return words.other.sentence(since, long);
      const said = (minutes: number) => duration(minutes * 60_000, lang.value);
      return words.hold.sentence(amount(limit, "degC", 0), said(exposure), said(decision));
    }
    case "silent":
      return words.silent.sentence(since, long);
    case "flow": {
      const toilets = evidenceNumber(incident, "toilets");
      const more = toilets !== undefined && toilets >= 0.5 && toilets < 20 ? words.flow.toilets(toilets.toFixed(toilets < 3 ? 1 : 0)) : "";
      return words.flow.sentence(long) + more;
    }
    default:
      return incident.told[lang.value] ?? words.other.sentence(since, long);
  }
}
