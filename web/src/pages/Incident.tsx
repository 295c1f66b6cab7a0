/** One incident: the proof, what was done, who was told; acknowledge, note, close. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { IncidentDetail } from "../api/shapes";
import { instant, moment } from "../format";
import { Link } from "../router";
import { now } from "../state/live";
import { refresh, useQuery } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate, zone } from "../state/site";
import { t } from "../texts";
import { Dialog } from "../ui/Dialog";
import { takenWords } from "../ui/Alerts";
import { EvidenceChart } from "../ui/EvidenceChart";
import { BackIcon } from "../ui/Icons";
import { lasting, ruleName, sentenceOf, titleOf, toneOf } from "../ui/incident";
import { Card, failureWords, Note, Page, Read, State } from "../ui/parts";
import { pointName } from "../ui/points";
import { useChange } from "../ui/useChange";
import { Why } from "./Why";

export default function Incident({ id }: { id: number }): JSX.Element {
  const query = useQuery<IncidentDetail>(`/incidents/${id}`, { on: ["incident"] });
  const words = t().incidents;
  const data = query.data.value;
  return (
    <Page
      title={data === undefined ? words.one : titleOf(data.incident)}
      lead={data === undefined ? undefined : sentenceOf(data.incident)}
      over={
        <Link to="/incidents" class="back">
          <BackIcon aria-hidden="true" />
          {words.title}
        </Link>
      }
      right={data === undefined ? undefined : <State tone={toneOf(data.incident)}>{words.state[data.incident.state] ?? data.incident.state}</State>}
    >
      <Read query={query}>{(found) => <Body found={found} />}</Read>
    </Page>
  );
}

function Body({ found }: { found: IncidentDetail }): JSX.Element {
  const words = t().incidents;
  const { incident, chart } = found;
  const at = (time: number | null) => (time === null ? undefined : moment(time, now.value, lang.value, zone.value));
  const facts: [string, JSX.Element | string | undefined][] = [
    [words.severityFilter, t().severity[incident.severity]],
    [words.device, incident.device === 0 ? undefined : <Link to={`/devices/${incident.device}`} class="link">{incident.device_name}</Link>],
    [words.started, at(incident.since_ms)],
    [words.opened, at(incident.opened_ms)],
    [words.recoveredAt, at(incident.recovered_ms)],
    [words.closedAt, at(incident.closed_ms)],
    [words.takenBy, incident.acknowledged_ms === null ? undefined : takenWords(incident)],
    [words.rule, ruleName(incident)],
  ];
  return (
    <>
      {incident.state !== "resolved" && mayOperate.value && <Actions found={found} />}
      <div class="grid wide-left">
        <Card title={chartTitle(found)} aside={words.lasted(lasting(incident))}>
          {chart !== null && <EvidenceChart chart={chart} tone={toneOf(incident)} title={titleOf(incident)} height={240} since_ms={incident.since_ms} />}
          <dl class="facts-list">
            {facts
              .filter(([, value]) => value !== undefined)
              .map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
          </dl>
        </Card>
        <div class="grid start">
          <Card title={words.history}>
            <ol class="timeline">
              {found.events.map((event, index) => (
                <li key={index}>
                  <b>{words.event[event.kind] ?? event.kind}</b>
                  <span class="quiet small">
                    {instant(event.at_ms, lang.value, zone.value)} · {event.actor === "" ? words.bySystem : t().settings.role(event.actor)}
                  </span>
                  {saidIn(event.detail) !== "" && <p class="small">{saidIn(event.detail)}</p>}
                </li>
              ))}
            </ol>
          </Card>
          <Card title={words.notifications}>
            {found.notifications.length === 0 ? (
              <p class="quiet">{words.noNotifications}</p>
            ) : (
              <ul class="rows">
                {found.notifications.map((item, index) => (
                  <li key={index}>
                    <span class="what">
                      <b>
                        {words.notification[item.kind] ?? item.kind}
                        {t().comma}
                        {item.channel === "console" ? words.onlyLog : (t().channelName[item.channel] ?? item.channel)}
                      </b>
                      <span>
                        {instant(item.delivered_ms ?? item.created_ms, lang.value, zone.value)}
                        {item.attempts > 1 && ` · ${words.attempts(item.attempts)}`}
                        {item.state !== "delivered" && item.detail !== "" && ` · ${item.detail}`}
                      </span>
                    </span>
                    <State tone={item.state === "delivered" ? "green" : item.state === "failed" ? "orange" : "ink"}>{words.outbox[item.state] ?? item.state}</State>
                  </li>
                ))}
              </ul>
            )}
            <Why incident={found.incident.id} />
          </Card>
        </div>
      </div>
    </>
  );
}

/** What the chart shows: air beside its limit, or a meter by the hour. */
function chartTitle(found: IncidentDetail): string {
  const words = t().incidents;
  const first = found.chart?.series[0];
  if (first === undefined) return words.evidence;
  if (first.quantity === "volume" || first.quantity === "energy") return words.byTheHour[first.quantity] ?? words.evidence;
  return found.chart?.series.some((line) => line.channel === "food") === true ? words.airAndFood : pointName(first);
}

/** A person's words, where an event holds some. */
function saidIn(detail: Record<string, unknown>): string {
  for (const name of ["note", "text", "reason"]) {
    const value = detail[name];
    if (typeof value === "string") return value;
  }
  return "";
}

function Actions({ found }: { found: IncidentDetail }): JSX.Element {
  const words = t().incidents;
  const { id, state, acknowledged_ms } = found.incident;
  const note = useSignal("");
  const writing = useSignal(false);
  const closing = useSignal(false);
  const reason = useSignal("");
  const { busy, failure, send } = useChange();
  const after = () => {
    for (const path of ["/incidents", "/today", "/cold"]) refresh(path);
  };
  const acknowledge = async () => {
    if (await send("POST", `/incidents/${id}/acknowledge`, { note: note.value.trim() })) {
      note.value = "";
      after();
    }
  };
  const remark = async () => {
    if (await send("POST", `/incidents/${id}/note`, { text: note.value.trim() })) {
      note.value = "";
      writing.value = false;
      after();
    }
  };
  const close = async () => {
    if (await send("POST", `/incidents/${id}/close`, { reason: reason.value.trim() })) {
      closing.value = false;
      after();
    }
  };
  return (
    <Card class="actions">
      <div class="buttons">
        {acknowledged_ms === null && (
          <button class="button primary large" type="button" disabled={busy.value} onClick={acknowledge} data-testid={`acknowledge-${id}`}>
            {state === "recovering" ? words.confirm : words.acknowledge}
          </button>
        )}
        {!writing.value && (
          <button class="button" type="button" onClick={() => (writing.value = true)} data-testid="write-note">
            {words.addNote}
          </button>
        )}
        <button class="button plain" type="button" disabled={busy.value} onClick={() => (closing.value = true)}>
          {words.closeIncident}
        </button>
      </div>
      {writing.value && (
        <>
          <label class="field">
            {words.noteLabel}
            <textarea rows={2} maxLength={2000} placeholder={words.notePlaceholder} value={note} onInput={(event) => (note.value = event.currentTarget.value)} />
          </label>
          <div class="buttons">
            <button class="button" type="button" disabled={busy.value || note.value.trim() === ""} onClick={remark}>
              {words.keepNote}
            </button>
            <button class="button plain" type="button" onClick={() => (writing.value = false)}>
              {t().cancel}
            </button>
          </div>
        </>
      )}
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
      {closing.value && (
        <Dialog title={words.closeIncident} onClose={() => (closing.value = false)}>
          <form
            class="form"
            onSubmit={(event) => {
              event.preventDefault();
              void close();
            }}
          >
            <p class="quiet">{words.closeLead}</p>
            <label class="field">
              {words.closeReason}
              <textarea rows={3} required maxLength={2000} value={reason} onInput={(event) => (reason.value = event.currentTarget.value)} />
            </label>
            <div class="buttons">
              <button class="button primary" type="submit" disabled={busy.value || reason.value.trim() === ""}>
                {words.closeIncident}
              </button>
              <button class="button" type="button" onClick={() => (closing.value = false)}>
                {t().cancel}
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </Card>
  );
}
