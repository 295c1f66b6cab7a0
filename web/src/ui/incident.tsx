/** How an incident is told: a title, a sentence, a tone; from its rule and its evidence. */
import type { Tone } from "../charts/SmallChart";
import type { IncidentLike } from "../api/shapes";
import { amount, duration, moment } from "../format";
import { now } from "../state/live";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";

/** Evidence is figures and words of the rule; nothing in it is taken for granted. */
export function evidenceNumber(incident: IncidentLike, ...names: string[]): number | undefined {
  for (const name of names) {
    const value = incident.evidence[name];
    if (typeof value === "number") return value;
  }
  return undefined;
}

/** The colour of its state. */
export function toneOf(incident: Pick<IncidentLike, "severity" | "state">): Tone {
  if (incident.state === "closed") return "ink";
  if (incident.state === "recovered") return "green";
  if (incident.severity === "critical") return "red";
  return incident.severity === "alarm" ? "orange" : "ink";
}
