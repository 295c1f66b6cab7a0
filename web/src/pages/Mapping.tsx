/** Topics no driver knows: a person says what stands where, sees what comes of it, and keeps it. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { change, Failure } from "../api/client";
import type { MappingIn, MappingPreview, Mappings, MappingTopic } from "../api/shapes";
import { lang } from "../state/settings";
import { refresh, useQuery } from "../state/query";
import { mayOperate } from "../state/site";
import { t } from "../texts";
import { valueText } from "../ui/points";
import { Age, Card, failureWords, Note } from "../ui/parts";
import { useChange } from "../ui/useChange";

const PREVIEW_MS = 500;

/** The part of the inbox for messages that nobody understands; nothing when there are none. */
export function Unexplained(): JSX.Element | null {
  const query = useQuery<Mappings>("/mappings", { on: ["inbox", "quarantine"], every_ms: 15_000 });
  const said = useSignal("");
  const words = t().mapping;
  const data = query.data.value;
  if (data === undefined || (data.waiting.length === 0 && data.items.length === 0)) return null;
  return (
    <section class="unexplained" data-testid="unexplained">
      {data.waiting.length > 0 && (
        <header>
          <h2>{words.title}</h2>
          <p class="quiet">{words.lead}</p>
        </header>
      )}
      <div aria-live="polite">{said.value !== "" && <Note>{said.value}</Note>}</div>
      {data.waiting.map((item) => (
        <Waiting key={item.topic} item={item} quantities={data.quantities} onKept={(text) => (said.value = text)} />
      ))}
      {data.items.length > 0 && <Kept items={data.items} />}
    </section>
  );
}

interface Row {
  path: string;
  value: string;
  quantity: string;
  unit: string;
  channel: string;
}

interface WaitingProps {
  item: MappingTopic;
  quantities: Mappings["quantities"];
  onKept: (text: string) => void;
}

function Waiting({ item, quantities, onKept }: WaitingProps): JSX.Element {
  const words = t().mapping;
  const open = useSignal(false);
  return (
    <Card title={<code>{item.topic}</code>} aside={t().quarantine.reason[item.reason]?.short ?? item.reason}>
      <p class="small faint">
        {words.count(`${item.count}`)} <Age at_ms={item.last_ms} />
      </p>
      {!open.value && <pre class="raw">{item.payload}</pre>}
      {mayOperate.value &&
        (open.value ? (
          <Explain item={item} quantities={quantities} onKept={onKept} onLess={() => (open.value = false)} />
        ) : (
          <div class="buttons">
            <button class="button primary" type="button" data-testid="explain" onClick={() => (open.value = true)}>
              {words.begin}
            </button>
          </div>
        ))}
    </Card>
  );
}

function slug(text: string): string {
  const plain = text.toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+|-+$/g, "");
  return plain.slice(0, 40) || "mapping";
}

function Explain({ item, quantities, onKept, onLess }: WaitingProps & { onLess: () => void }): JSX.Element {
  const words = t().mapping;
  const topic = useSignal(item.topic);
  const device = useSignal(item.topic.split("/").slice(-2).join("/"));
  const name = useSignal(slug(item.topic.split("/").slice(-2).join("-")));
  const rows = useSignal<Row[]>(
    item.leaves.map((leaf) => ({ ...leaf, quantity: "", unit: "", channel: "" })),
  );
  const { busy, failure, send } = useChange();
  const named = topic.value.includes("{device");
  const body: MappingIn = {
    name: name.value,
    topic: topic.value,
    device: named ? "" : device.value,
    device_at: "",
    time_at: "",
    adds: item.reason === "unit-missing",
    fields: rows.value
      .filter((row) => row.quantity !== "" && row.unit.trim() !== "")
      .map(({ path, quantity, unit, channel }) => ({ path, quantity, unit: unit.trim(), channel: channel.trim() })),
  };
  const preview = usePreview(body);
  const set = (index: number, part: Partial<Row>) => {
    rows.value = rows.value.map((row, at) => (at === index ? { ...row, ...part } : row));
  };
  const keep = async () => {
    const before = item.count;
    if (await send("POST", "/mappings", body)) {
      onKept(words.kept(body.name, `${before}`));
      for (const path of ["/mappings", "/inbox", "/devices", "/quarantine", "/today"]) refresh(path);
    }
  };
  return (
    <form
      class="form explain"
      onSubmit={(event) => {
        event.preventDefault();
        void keep();
      }}
    >
      <div class="form columns">
        <label class="field">
          {words.topic}
          <input required maxLength={512} value={topic} onInput={(event) => (topic.value = event.currentTarget.value)} />
          <span class="small faint">{words.topicHint}</span>
        </label>
        {!named && (
          <label class="field">
            {words.device}
            <input required maxLength={120} value={device} onInput={(event) => (device.value = event.currentTarget.value)} />
          </label>
        )}
        <label class="field">
          {words.name}
          <input
            required
            pattern="[a-z0-9][a-z0-9_\-]{0,39}"
            value={name}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
          <span class="small faint">{words.nameHint}</span>
        </label>
      </div>
      <div class="table-wrap">
        <table class="stacked">
          <thead>
            <tr>
              <th>{words.path}</th>
              <th>{words.found}</th>
              <th>{words.quantity}</th>
              <th>{words.unit}</th>
              <th>{words.channel}</th>
            </tr>
          </thead>
          <tbody>
            {rows.value.map((row, index) => (
              <Place key={row.path} row={row} quantities={quantities} onChange={(part) => set(index, part)} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="small faint">{words.unitHint}</p>
      <Preview preview={preview} asked={body.fields.length > 0} />
      <div class="buttons">
        <button
          class="button primary"
          type="submit"
          data-testid="mapping-keep"
          disabled={busy.value || preview.value.found?.usable !== true}
        >
          {words.keep}
        </button>
        <button class="button" type="button" onClick={onLess}>
          {words.less}
        </button>
      </div>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </form>
  );
}

interface PlaceProps {
  row: Row;
  quantities: Mappings["quantities"];
  onChange: (part: Partial<Row>) => void;
}

function Place({ row, quantities, onChange }: PlaceProps): JSX.Element {
  const words = t().mapping;
  const named = row.path === "" ? words.whole : row.path;
  return (
    <tr>
      <td>
        <code>{named}</code>
      </td>
      <td class="number">{row.value}</td>
      <td>
        <select
          aria-label={`${words.quantity}: ${named}`}
          value={row.quantity}
          data-testid={`quantity-${row.path}`}
          onChange={(event) => onChange({ quantity: event.currentTarget.value })}
        >
          <option value="">{words.nothing}</option>
          {quantities.map((found) => (
            <option key={found.name} value={found.name}>
              {lang.value === "en" ? found.en : found.zh}
            </option>
          ))}
        </select>
      </td>
      <td>
        <input
          aria-label={`${words.unit}: ${named}`}
          placeholder={words.unit}
          maxLength={16}
          disabled={row.quantity === ""}
          value={row.unit}
          data-testid={`unit-${row.path}`}
          onInput={(event) => onChange({ unit: event.currentTarget.value })}
        />
      </td>
      <td>
        <input
          aria-label={`${words.channel}: ${named}`}
          placeholder={words.channel}
          maxLength={64}
          disabled={row.quantity === ""}
          value={row.channel}
          onInput={(event) => onChange({ channel: event.currentTarget.value })}
        />
      </td>
    </tr>
  );
}

interface Tried {
  found?: MappingPreview;
  failure?: Failure;
}

/** Asks what a mapping would make of the last messages, half a second after the last key. */
function usePreview(body: MappingIn): Signal<Tried> {
  const tried = useSignal<Tried>({});
  const asked = body.fields.length > 0 && body.name !== "" ? JSON.stringify(body) : "";
  useEffect(() => {
    tried.value = {};
    if (asked === "") return undefined;
    let current = true;
    const timer = setTimeout(() => {
      change<MappingPreview>("POST", "/mappings/preview", JSON.parse(asked))
        .then((found) => {
          if (current) tried.value = { found };
        })
        .catch((error: unknown) => {
          if (current) tried.value = { failure: error instanceof Failure ? error : new Failure(0, "offline", "") };
        });
    }, PREVIEW_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [asked, tried]);
  return tried;
}

function Preview({ preview, asked }: { preview: Signal<Tried>; asked: boolean }): JSX.Element | null {
  const words = t().mapping;
  const { found, failure } = preview.value;
  if (!asked) return null;
  if (failure !== undefined) return <Note bad>{failureWords(failure, true)}</Note>;
  if (found === undefined) return <p class="small faint">{t().loading}</p>;
  return (
    <div aria-live="polite" data-testid="mapping-preview">
      <p>
        {words.preview}
        {!found.usable && ` — ${words.none}`}
      </p>
      <ul class="trials">
        {found.messages.slice(0, 5).map((message, index) => (
          <li key={index}>
            <span class="small faint">
              <Age at_ms={message.at_ms} />
            </span>{" "}
            {message.readings.map((reading, at) => (
              <span key={at}>
                {reading.device.replace(/^mapped:/, "")} · {t().quantity[reading.quantity] ?? reading.quantity}
                {reading.channel !== "" && ` (${reading.channel})`} {valueText(reading.quantity, reading.value, reading.unit)}
              </span>
            ))}
            {message.refused.map((why, at) => (
              <span key={at} class="refused">
                {why}
              </span>
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Kept({ items }: { items: Mappings["items"] }): JSX.Element {
  const words = t().mapping;
  const { busy, failure, send } = useChange();
  const remove = async (name: string) => {
    if (await send("DELETE", `/mappings/${name}`)) refresh("/mappings");
  };
  return (
    <Card title={words.mine}>
      <ul class="rows mappings">
        {items.map((item) => (
          <li key={item.name}>
            <span>
              <strong>{item.name}</strong> <code>{item.topic}</code>
              <br />
              <span class="small faint">
                {item.at_ms === 0 ? words.byFile : words.by(item.author)} ·{" "}
                {item.fields.map((field) => `${t().quantity[field.quantity] ?? field.quantity} [${field.unit}]`).join(", ")}
              </span>
            </span>
            {mayOperate.value && item.at_ms !== 0 && (
              <button class="button" type="button" disabled={busy.value} onClick={() => void remove(item.name)}>
                {words.remove}
              </button>
            )}
          </li>
        ))}
      </ul>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </Card>
  );
}
