/** What must be done now: the gravest incident in full, the others in a line each. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { IncidentBrief } from "../api/shapes";
import { amount, duration } from "../format";
import { go, Link } from "../router";
import { refresh } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate } from "../state/site";
import { t } from "../texts";
import { EvidenceChart } from "./EvidenceChart";
import { evidenceNumber, lasting, sentenceOf, titleOf, toneOf } from "./incident";
import { failureWords, Note } from "./parts";
import { useChange } from "./useChange";

const SHOWN = 4;

/** Everything open, the gravest first. */
export function Alerts({ incidents }: { incidents: readonly IncidentBrief[] }): JSX.Element | null {
  const all = useSignal(false);
  const urgent = incidents.filter((item) => item.state !== "recovering");
  const quiet = incidents.filter((item) => item.state === "recovering");
  const [first, ...rest] = [...urgent, ...quiet];
  if (first === undefined) return null;
  const shown = all.value ? rest : rest.slice(0, SHOWN - 1);
  const large = first.state === "firing" && first.severity !== "notice";
  return (
    <div class="grid alerts">
      {large ? <Alert incident={first} /> : <Compact incident={first} />}
      {shown.map((item) => (
        <Compact key={item.id} incident={item} />
      ))}
      {rest.length > shown.length && (
        <button class="link" type="button" onClick={() => (all.value = true)}>
          {t().todayPage.others(rest.length - shown.length)}
        </button>
      )}
    </div>
  );
}

function severityClass(incident: IncidentBrief): string {
  const tone = toneOf(incident);
  const seen = incident.state === "firing" ? "" : " seen";
  return `${tone === "red" ? "" : tone === "orange" ? " alarm" : " calm-alert"}${seen}`;
}

/** "I take it": acknowledges, and says so when it did not go through. */
export function Acknowledge({ id, recovered, onAlert = false }: { id: number; recovered: boolean; onAlert?: boolean }): JSX.Element | null {
  const { busy, failure, send } = useChange();
  if (!mayOperate.value) return null;
  const words = t().todayPage;
  const take = async () => {
    if (await send("POST", `/incidents/${id}/acknowledge`, { note: "" })) {
      refresh("/today");
      refresh("/incidents");
      refresh("/cold");
    }
  };
  return (
    <>
      <button
        class={`button ${recovered ? (onAlert ? "on-alert" : "") : onAlert ? "danger" : "primary"}`}
        type="button"
        disabled={busy.value}
        onClick={take}
        data-testid={`acknowledge-${id}`}
      >
        {recovered ? words.confirm : words.mine}
      </button>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </>
  );
}

function Alert({ incident }: { incident: IncidentBrief }): JSX.Element {
  const words = t().todayPage;
  const severity = t().severity[incident.severity] ?? incident.severity;
  const left = evidenceNumber(incident, "left_min");
  const food = evidenceNumber(incident, "food_c");
  const daily = evidenceNumber(incident, "cny_day");
  return (
    <section class={`alert${severityClass(incident)}`} data-testid={`incident-${incident.id}`} aria-label={titleOf(incident)}>
      <div>
        <p class="kicker">{words.actNow(severity)}</p>
        <h2>{titleOf(incident)}</h2>
        <p>{sentenceOf(incident)}</p>
        <dl class="facts">
          <div>
            <dt>{words.lasting}</dt>
            <dd>{lasting(incident)}</dd>
          </div>
          {food !== undefined && (
            <div>
              <dt>{words.foodNow}</dt>
              <dd>{amount(food, "degC")}</dd>
            </div>
          )}
          {left !== undefined && (
            <div class="hurry">
              <dt>{words.decideIn}</dt>
              <dd>{left > 0 ? duration(left * 60_000, lang.value) : words.decideNow}</dd>
            </div>
          )}
          {daily !== undefined && (
            <div>
              <dt>{words.costs}</dt>
              <dd>¥{daily.toFixed(daily < 10 ? 1 : 0)}</dd>
            </div>
          )}
          <div>
            <dt>{words.notified}</dt>
            <dd>{incident.notified.length > 0 ? incident.notified.map((name) => t().channelName[name] ?? name).join(t().listComma) : words.notifiedNone}</dd>
          </div>
        </dl>
        <div class="buttons">
          <Acknowledge id={incident.id} recovered={false} onAlert />
          <button class="button on-alert" type="button" onClick={() => go(`/incidents/${incident.id}`)}>
            {words.open}
          </button>
        </div>
      </div>
      {incident.chart !== null && (
        <EvidenceChart chart={incident.chart} tone={toneOf(incident)} title={titleOf(incident)} onAlert since_ms={incident.since_ms} />
      )}
    </section>
  );
}

function Compact({ incident }: { incident: IncidentBrief }): JSX.Element {
  const words = t().todayPage;
  const state =
    incident.state === "acknowledged"
      ? words.seen(incident.acknowledged_by)
      : incident.state === "recovering"
        ? words.recovered
        : (t().severity[incident.severity] ?? incident.severity);
  return (
    <section class={`alert compact${severityClass(incident)}`} data-testid={`incident-${incident.id}`}>
      <div>
        <h2>
          <Link to={`/incidents/${incident.id}`}>{titleOf(incident)}</Link>
        </h2>
        <p class="quiet small">
          <b class="kicker-word">{state}</b> · {sentenceOf(incident)}
        </p>
      </div>
      <div class="buttons">
        {incident.acknowledged_ms === null && <Acknowledge id={incident.id} recovered={incident.state === "recovering"} />}
      </div>
    </section>
  );
}
