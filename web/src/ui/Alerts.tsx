/** What must be done now: the gravest trouble in full, the others in a line each. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { IncidentBrief, IncidentLike } from "../api/shapes";
import { amount, duration, moment } from "../format";
import { go, Link } from "../router";
import { now } from "../state/live";
import { refresh } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate, zone } from "../state/site";
import { t } from "../texts";
import { EvidenceChart } from "./EvidenceChart";
import { evidenceNumber, lasting, sentenceOf, titleOf, toneOf, troubles, type Trouble } from "./incident";
import { failureWords, Note } from "./parts";
import { useChange } from "./useChange";

const SHOWN = 4;

/** Everything open, the gravest first, one entry a device. */
export function Alerts({ incidents }: { incidents: readonly IncidentBrief[] }): JSX.Element | null {
  const all = useSignal(false);
  const [first, ...rest] = troubles(incidents);
  if (first === undefined) return null;
  const shown = all.value ? rest : rest.slice(0, SHOWN - 1);
  const large = first.lead.state === "firing" && first.lead.severity !== "notice";
  return (
    <div class="grid alerts">
      {large ? <Alert trouble={first} /> : <Compact trouble={first} />}
      {shown.map((trouble) => (
        <Compact key={trouble.lead.id} trouble={trouble} />
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

interface TakeProps {
  /** All that one tap takes on; the first names the button. */
  ids: readonly number[];
  recovered?: boolean;
  onAlert?: boolean;
  large?: boolean;
}

/** "I take it": acknowledges all of one device's trouble, and says so when it did not go through. */
export function Acknowledge({ ids, recovered = false, onAlert = false, large = false }: TakeProps): JSX.Element | null {
  const { busy, failure, send } = useChange();
  if (!mayOperate.value || ids.length === 0) return null;
  const words = t().todayPage;
  const take = async () => {
    let done = false;
    for (const id of ids) done = (await send("POST", `/incidents/${id}/acknowledge`, { note: "" })) || done;
    if (done) for (const path of ["/today", "/incidents", "/cold"]) refresh(path);
  };
  return (
    <>
      <button
        class={`button${large ? " large" : ""} ${recovered ? (onAlert ? "on-alert" : "") : onAlert ? "danger" : "primary"}`}
        type="button"
        disabled={busy.value}
        onClick={take}
        data-testid={`acknowledge-${ids[0]}`}
      >
        {recovered ? words.confirm : words.mine}
      </button>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </>
  );
}

/** Who was told, in words; a line in the log is nobody. */
export function notifiedWords(channels: readonly string[]): string {
  const words = t().todayPage;
  const people = channels.filter((name) => name !== "console");
  if (people.length > 0) return people.map((name) => t().channelName[name] ?? name).join(t().listComma);
  return channels.length > 0 ? words.notifiedLog : words.notifiedNone;
}

/** Who has taken it on. */
export function takenWords(incident: IncidentLike): string {
  const at = incident.acknowledged_ms;
  const who = t().settings.role(incident.acknowledged_by);
  return at === null ? "" : t().todayPage.seen(who, moment(at, now.value, lang.value, zone.value));
}

function Alert({ trouble }: { trouble: Trouble<IncidentBrief> }): JSX.Element {
  const words = t().todayPage;
  const { lead } = trouble;
  const severity = t().severity[lead.severity] ?? lead.severity;
  const all = [lead, ...trouble.rest];
  const figure = (name: string) => all.map((item) => evidenceNumber(item, name)).find((value) => value !== undefined);
  const [left, food, daily] = [figure("left_min"), figure("food_c"), evidenceNumber(lead, "cny_day")];
  return (
    <section class={`alert${severityClass(lead)}`} data-testid={`incident-${lead.id}`} aria-label={titleOf(lead)}>
      <div>
        <p class="kicker">{words.actNow(severity)}</p>
        <h2>{titleOf(lead)}</h2>
        <p>{sentenceOf(lead)}</p>
        {trouble.rest.map((item) => (
          <p key={item.id} class="also">
            <Link to={`/incidents/${item.id}`}>{titleOf(item)}</Link>
          </p>
        ))}
        <dl class="facts">
          <div>
            <dt>{words.since}</dt>
            <dd>{moment(trouble.since_ms, now.value, lang.value, zone.value)}</dd>
          </div>
          <div>
            <dt>{words.lasting}</dt>
            <dd>{lasting({ ...lead, since_ms: trouble.since_ms })}</dd>
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
            <dd>{notifiedWords(lead.notified)}</dd>
          </div>
        </dl>
        <div class="buttons">
          <Acknowledge ids={trouble.waiting} onAlert />
          <button class="button on-alert" type="button" onClick={() => go(`/incidents/${lead.id}`)}>
            {words.open}
          </button>
        </div>
      </div>
      {lead.chart !== null && <EvidenceChart chart={lead.chart} tone={toneOf(lead)} title={titleOf(lead)} onAlert since_ms={trouble.since_ms} />}
    </section>
  );
}

function Compact({ trouble }: { trouble: Trouble<IncidentBrief> }): JSX.Element {
  const words = t().todayPage;
  const { lead } = trouble;
  const recovered = lead.state === "recovering";
  const state =
    lead.state === "acknowledged" ? takenWords(lead) : recovered ? words.recovered : (t().severity[lead.severity] ?? lead.severity);
  return (
    <section class={`alert compact${severityClass(lead)}`} data-testid={`incident-${lead.id}`}>
      <div>
        <h2>
          <Link to={`/incidents/${lead.id}`}>{titleOf(lead)}</Link>
        </h2>
        <p class="quiet small">
          <b class="kicker-word">{state}</b> · {sentenceOf(lead)}
        </p>
        {trouble.rest.map((item) => (
          <p key={item.id} class="small also">
            <Link to={`/incidents/${item.id}`}>{titleOf(item)}</Link>
          </p>
        ))}
      </div>
      <div class="buttons">
        <Acknowledge ids={trouble.waiting} recovered={recovered} />
      </div>
    </section>
  );
}
