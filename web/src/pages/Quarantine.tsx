/** What could not be used, why, and how to bring it back. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { QuarantineItem, QuarantineList } from "../api/shapes";
import { moment } from "../format";
import { params, setParam } from "../router";
import { now } from "../state/live";
import { refresh, useQuery } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate, zone } from "../state/site";
import { t } from "../texts";
import { QuarantineIcon } from "../ui/Icons";
import { Card, Empty, failureWords, Note, Page, Read } from "../ui/parts";
import { useChange } from "../ui/useChange";

export default function Quarantine(): JSX.Element {
  const reason = params.value.get("reason") ?? "";
  const query = useQuery<QuarantineList>(`/quarantine?limit=200${reason === "" ? "" : `&reason=${encodeURIComponent(reason)}`}`, {
    on: ["quarantine"],
  });
  const words = t().quarantine;
  return (
    <Page title={words.title} lead={words.lead}>
      <Read query={query}>
        {(data) => (
          <>
            <Reasons data={data} chosen={reason} />
            {data.items.length === 0 ? (
              <Card>
                <Empty icon={QuarantineIcon} title={words.empty}>
                  <p>{words.emptyMore}</p>
                </Empty>
              </Card>
            ) : (
              <Card title={words.count(data.items.length)} aside={words.kept}>
                <ul class="rows held">
                  {data.items.map((item) => (
                    <Held key={item.id} item={item} />
                  ))}
                </ul>
              </Card>
            )}
          </>
        )}
      </Read>
    </Page>
  );
}

function Reasons({ data, chosen }: { data: QuarantineList; chosen: string }): JSX.Element | null {
  const words = t().quarantine;
  const found = Object.entries(data.reasons);
  if (found.length < 2 && chosen === "") return null;
  return (
    <div class="chips" role="group" aria-label={words.byReason}>
      <button class="chip" type="button" aria-pressed={chosen === ""} onClick={() => setParam("reason", "")}>
        {t().all}
      </button>
      {found.map(([reason, count]) => (
        <button key={reason} class="chip" type="button" aria-pressed={chosen === reason} onClick={() => setParam("reason", reason)}>
          {words.reason[reason]?.short ?? reason} <span class="faint">{count}</span>
        </button>
      ))}
    </div>
  );
}

function Held({ item }: { item: QuarantineItem }): JSX.Element {
  const open = useSignal(false);
  const done = useSignal(false);
  const { busy, failure, send } = useChange();
  const words = t().quarantine;
  const reason = words.reason[item.reason];
  const replay = async () => {
    if (await send("POST", "/quarantine/replay", { ids: [item.id] })) {
      done.value = true;
      refresh("/quarantine");
    }
  };
  return (
    <li class="held-item">
      <details onToggle={(event) => (open.value = event.currentTarget.open)}>
        <summary>
          <span class="what">
            <b>{reason?.long ?? item.reason}</b>
            <span>
              <code>{item.topic}</code>
            </span>
          </span>
          <span class="worth">
            <b>{words.times(item.count)}</b>
            <span>{moment(item.last_ms, now.value, lang.value, zone.value)}</span>
          </span>
        </summary>
        {open.value && (
          <div class="held-more">
            {item.detail !== "" && <p class="quiet">{words.detail(item.detail)}</p>}
            <p class="quiet">{reason?.remedy}</p>
            <p class="small faint">{words.raw}</p>
            <pre class="raw">{item.payload}</pre>
            {mayOperate.value && (
              <div class="buttons">
                <button class="button small" type="button" disabled={busy.value || done.value} onClick={replay}>
                  {words.replay}
                </button>
                <span class="small faint">{words.replayMore}</span>
              </div>
            )}
            {done.value && <Note>{words.replayDone}</Note>}
            {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
          </div>
        )}
      </details>
    </li>
  );
}
