/** Devices that were heard and belong to nobody yet; one click takes them in. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { DeviceList, InboxItem, InboxList } from "../api/shapes";
import { decimal } from "../format";
import { refresh, useQuery } from "../state/query";
import { mayOperate, site } from "../state/site";
import { t } from "../texts";
import { InboxIcon } from "../ui/Icons";
import { pointName, valueText } from "../ui/points";
import { Age, Card, Empty, failureWords, Note, Page, Read } from "../ui/parts";
import { useChange } from "../ui/useChange";
import { Unexplained } from "./Mapping";

export default function Inbox(): JSX.Element {
  const query = useQuery<InboxList>("/inbox", { on: ["inbox"], every_ms: 10_000 });
  const taken = useSignal("");
  const words = t().inbox;
  return (
    <Page title={words.title} lead={words.lead}>
      <div aria-live="polite">{taken.value !== "" && <Note>{words.adopted(taken.value)}</Note>}</div>
      <Read query={query}>
        {(data) =>
          data.items.length === 0 ? (
            <Card>
              <Empty icon={InboxIcon} title={words.empty}>
                <p>{words.emptyMore}</p>
              </Empty>
            </Card>
          ) : (
            <div class="grid two">
              {data.items.map((item) => (
                <Heard key={item.id} item={item} onTaken={(name) => (taken.value = name)} />
              ))}
            </div>
          )
        }
      </Read>
      <Unexplained />
      {query.data.value?.items.length === 0 && <p class="small faint">{words.hint}</p>}
    </Page>
  );
}

const ROLES = ["electricity", "water", "room", "fridge", "freezer", "sample_fridge", "hot_holding", "door", "other"] as const;

function Heard({ item, onTaken }: { item: InboxItem; onTaken: (name: string) => void }): JSX.Element {
  const words = t().inbox;
  const open = useSignal(false);
  const name = useSignal(item.suggested.name);
  const role = useSignal(item.suggested.role);
  const building = useSignal(item.suggested.building);
  const { busy, failure, send } = useChange();
  const adopt = async () => {
    const body = { name: name.value.trim(), role: role.value, building: building.value, area: "", parent: 0, interval_s: item.suggested.interval_s };
    if (await send("POST", `/inbox/${item.id}/adopt`, body)) {
      onTaken(body.name);
      refresh("/inbox");
      refresh("/devices");
      refresh("/today");
    }
  };
  const ignore = async () => {
    if (await send("POST", `/inbox/${item.id}/ignore`)) {
      refresh("/inbox");
      refresh("/today");
    }
  };
  return (
    <Card title={name.value === "" ? item.key : name.value} aside={words.looksLike(t().role[role.value] ?? role.value)}>
      <p class="small faint">
        <code>{item.key}</code> · {words.heardCount(decimal(item.messages, 0))} <Age at_ms={item.last_heard_ms} />
      </p>
      {item.readings.length === 0 ? (
        <p class="quiet">{words.nothing}</p>
      ) : (
        <dl class="facts-list values">
          {item.readings.map((reading) => (
            <div key={reading.point}>
              <dt>{pointName(reading)}</dt>
              <dd data-testid={`point-${reading.point}`}>{valueText(reading.quantity, reading.value, reading.unit)}</dd>
            </div>
          ))}
        </dl>
      )}
      <details>
        <summary class="small quiet">{words.showRaw}</summary>
        <p class="small">
          <code>{item.topic}</code>
        </p>
        <pre class="raw">{item.payload}</pre>
      </details>
      {mayOperate.value && (
        <form
          class="form columns adopt"
          onSubmit={(event) => {
            event.preventDefault();
            void adopt();
          }}
        >
          {open.value && (
            <>
              <label class="field">
                {t().device.name}
                <input required maxLength={80} value={name} data-testid="adopt-name" onInput={(event) => (name.value = event.currentTarget.value)} />
              </label>
              <label class="field">
                {t().device.role}
                <select value={role} onChange={(event) => (role.value = event.currentTarget.value)}>
                  {ROLES.map((found) => (
                    <option key={found} value={found}>
                      {t().role[found]}
                    </option>
                  ))}
                </select>
              </label>
              <label class="field">
                {t().device.building}
                <select value={building} onChange={(event) => (building.value = event.currentTarget.value)}>
                  <option value="">{t().device.noBuilding}</option>
                  {(site.value?.buildings ?? []).map((found) => (
                    <option key={found.id} value={found.id}>
                      {found.name}
                    </option>
                  ))}
                </select>
              </label>
            </>
          )}
          <div class="buttons">
            {/* Keys: one element that turned into a submit button would submit by the same click. */}
            {open.value ? (
              <button key="confirm" class="button primary" type="submit" disabled={busy.value} data-testid="adopt-confirm">
                {words.adopt}
              </button>
            ) : (
              <button key="open" class="button primary" type="button" data-testid={`adopt-${item.id}`} onClick={() => (open.value = true)}>
                {words.adoptAs(name.value)}
              </button>
            )}
            <button class="button" type="button" disabled={busy.value} onClick={ignore}>
              {words.ignore}
            </button>
          </div>
        </form>
      )}
      {mayOperate.value && !item.key.startsWith("native:") && <Join item={item} onTaken={onTaken} />}
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </Card>
  );
}

/** A new battery, an exchanged meter, another way: the newcomer is a device we have. */
function Join({ item, onTaken }: { item: InboxItem; onTaken: (name: string) => void }): JSX.Element {
  const words = t().inbox;
  const open = useSignal(false);
  return (
    <details class="join" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary class="small quiet" data-testid={`join-${item.id}`}>
        {words.join}
      </summary>
      {open.value && <JoinForm item={item} onTaken={onTaken} />}
    </details>
  );
}

function JoinForm({ item, onTaken }: { item: InboxItem; onTaken: (name: string) => void }): JSX.Element {
  const words = t().inbox;
  const query = useQuery<DeviceList>("/devices");
  const chosen = useSignal("");
  const { busy, failure, send } = useChange();
  const adopted = (query.data.value?.items ?? []).filter((found) => found.status === "adopted");
  const join = async () => {
    const device = query.data.value?.items.find((found) => `${found.id}` === chosen.value);
    if (device !== undefined && (await send("POST", `/inbox/${item.id}/join`, { device: device.id }))) {
      onTaken(device.name);
      for (const path of ["/inbox", "/devices", "/today", "/joins"]) refresh(path);
    }
  };
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void join();
      }}
    >
      <p class="small quiet">{words.joinMore}</p>
      <label class="field">
        {words.joinTo}
        <select required value={chosen} data-testid="join-device" onChange={(event) => (chosen.value = event.currentTarget.value)}>
          <option value="">{words.joinChoose}</option>
          {adopted.map((found) => (
            <option key={found.id} value={`${found.id}`}>
              {found.name}
            </option>
          ))}
        </select>
      </label>
      <div class="buttons">
        <button class="button" type="submit" disabled={busy.value || chosen.value === ""} data-testid="join-confirm">
          {words.joinConfirm}
        </button>
      </div>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </form>
  );
}
