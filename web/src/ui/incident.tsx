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

type Kind = "warm" | "silent" | "flow" | "other";

function kindOf(rule: string): Kind {
  if (rule === "cold_storage_warm") return "warm";
  if (rule === "device_silent") return "silent";
  return rule === "continuous_flow" ? "flow" : "other";
}

/** The rule in words. */
export function ruleName(rule: string): string {
  const kind = kindOf(rule);
  return kind === "other" ? (t().ruleNames[rule] ?? rule) : t().rule[kind].name;
}

/** How long it lasted, or lasts. */
export function lasting(incident: IncidentLike): string {
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
