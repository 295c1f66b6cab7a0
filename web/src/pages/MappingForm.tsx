/** The form that says what stands where in the messages of a topic, with what comes of it beside. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { Method } from "../api/client";
import type { MappingIn, Mappings } from "../api/shapes";
import { refresh } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { failureWords, Note } from "../ui/parts";
import { useChange } from "../ui/useChange";
import { Preview, usePreview, type Leaf } from "./MappingPreview";

const TIME = "@time";
const DEVICE = "@device";
const STATE_UNITS = 0; // a state has no units to choose from
const SEPARATORS: MappingIn["separator"][] = ["", ";", ",", " ", "\t", "|"];

/** What a person said of one place; `unit` may be `at:path`, where the message names it. */
interface Choice {
  quantity: string;
  unit: string;
  channel: string;
}

const UNSAID: Choice = { quantity: "", unit: "", channel: "" };

interface ExplainProps {
  start: MappingIn;
  leaves: Leaf[];
  payload: string;
  quantities: Mappings["quantities"];
  send: { method: Method; path: string };
  onKept: (name: string) => void;
  onLess: () => void;
}

function choicesOf(start: MappingIn): Record<string, Choice> {
  const found: Record<string, Choice> = {};
  for (const field of start.fields) {
    const at = field.unit_at;
    const unit = at === "" ? field.unit : `at:${at}`;
    found[field.path] = { quantity: field.quantity, unit, channel: field.channel };
  }
  if (start.time_at) found[start.time_at] = { ...UNSAID, quantity: TIME };
  if (start.device_at) found[start.device_at] = { ...UNSAID, quantity: DEVICE };
  return found;
}

/** The key above the last one: the part of the device that a value is of. */
function parentOf(path: string): string {
  return path.split(/[.[\]]+/).filter((step) => step !== "").at(-2) ?? "";
}

export function Explain({ start, leaves: first, payload, quantities, send: to, onKept, onLess }: ExplainProps): JSX.Element {
  const words = t().mapping;
  const topic = useSignal(start.topic);
  const device = useSignal(start.device);
  const name = useSignal(start.name);
  const separator = useSignal(start.separator);
  const decimal = useSignal(start.decimal);
  const chosen = useSignal(choicesOf(start));
  const leaves = useSignal<Leaf[]>(first);
  const { busy, failure, send } = useChange();
  const stateful = (quantity: string) => quantities.find((found) => found.name === quantity)?.units.length === STATE_UNITS;
  const at = (pseudo: string) => Object.keys(chosen.value).find((path) => chosen.value[path]?.quantity === pseudo) ?? "";
  const named = topic.value.includes("{device") || at(DEVICE) !== "";
  const body: MappingIn = {
    name: name.value,
    topic: topic.value,
    device: named ? "" : device.value.trim(),
    device_at: at(DEVICE),
    time_at: at(TIME),
    zone: at(TIME) === "" ? "" : start.zone || zone.value,
    separator: separator.value,
    decimal: decimal.value,
    adds: start.adds,
    fields: Object.entries(chosen.value)
      .filter(([, choice]) => choice.quantity !== "" && !choice.quantity.startsWith("@"))
      .filter(([, choice]) => choice.unit !== "" || stateful(choice.quantity))
      .map(([path, { quantity, unit, channel }]) => ({
        path,
        quantity,
        unit: unit.startsWith("at:") ? "" : unit,
        unit_at: unit.startsWith("at:") ? unit.slice(3) : "",
        channel: channel.trim(),
      })),
  };
  const preview = usePreview(body, leaves);
  const missing = Object.values(chosen.value).some(
    (choice) => choice.quantity !== "" && !choice.quantity.startsWith("@") && choice.unit === "" && !stateful(choice.quantity),
  );
  const set = (path: string, part: Partial<Choice>) => {
    const pseudo = part.quantity?.startsWith("@") ? part.quantity : "";
    const before = Object.fromEntries(
      Object.entries(chosen.value).filter(([, choice]) => pseudo === "" || choice.quantity !== pseudo),
    );
    const after = { ...UNSAID, ...before[path], ...part };
    if (part.quantity !== undefined && part.quantity !== before[path]?.quantity) after.unit = "";
    // What is added to a dialect's own readings must not take the place of one of them.
    if (start.adds && part.quantity !== undefined && after.channel === "") after.channel = parentOf(path);
    chosen.value = { ...before, [path]: after };
  };
  const keep = async () => {
    if (await send(to.method, to.path, body)) {
      onKept(body.name);
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
      {payload !== "" && <pre class="raw">{payload}</pre>}
      <Writing payload={payload} leaves={leaves.value} separator={separator} decimal={decimal} />
      <Sender sample={start.topic} topic={topic} device={device} inMessage={at(DEVICE) !== ""} adds={start.adds} />
      <div class="table-wrap">
        <table class="stacked places">
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
            {leaves.value.map((leaf) => (
              <Place
                key={leaf.path}
                leaf={leaf}
                others={leaves.value}
                choice={chosen.value[leaf.path] ?? UNSAID}
                quantities={quantities}
                onChange={(part) => set(leaf.path, part)}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p class="small faint">
        {words.unitHint} {words.channelHint}
      </p>
      <Preview preview={preview} asked={body.fields.length > 0} timed={body.time_at !== ""} />
      {missing && <Note>{words.unitWanted}</Note>}
      <details>
        <summary class="small quiet">{words.more}</summary>
        <div class="form columns">
          <label class="field">
            {words.topic}
            <input required maxLength={512} value={topic} onInput={(event) => (topic.value = event.currentTarget.value)} />
            <span class="small faint">{words.topicHint}</span>
          </label>
          {to.method === "POST" && (
            <label class="field">
              {words.name}
              <input required pattern="[a-z0-9][a-z0-9_\-]{0,39}" value={name} onInput={(event) => (name.value = event.currentTarget.value)} />
              <span class="small faint">{words.nameHint}</span>
            </label>
          )}
        </div>
      </details>
      <div class="buttons">
        <button
          class="button primary"
          type="submit"
          data-testid="mapping-keep"
          disabled={busy.value || missing || preview.value.found?.usable !== true}
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

interface WritingProps {
  payload: string;
  leaves: Leaf[];
  separator: Signal<MappingIn["separator"]>;
  decimal: Signal<MappingIn["decimal"]>;
}

/** How the numbers of a message of text are written; nothing for a message that needs none of it. */
function Writing({ payload, leaves, separator, decimal }: WritingProps): JSX.Element | null {
  const words = t().mapping;
  const text = separator.value !== "" || (payload !== "" && !isJson(payload));
  const commas = decimal.value === "," || leaves.some((leaf) => /\d,\d/.test(leaf.value));
  if (!text && !commas) return null;
  return (
    <div class="form columns">
      {text && (
        <label class="field">
          {words.separator}
          <select
            data-testid="separator"
            value={separator.value}
            onChange={(event) => (separator.value = event.currentTarget.value as typeof separator.value)}
          >
            {SEPARATORS.map((sign) => (
              <option key={sign} value={sign}>
                {words.separators[sign]}
              </option>
            ))}
          </select>
        </label>
      )}
      {commas && (
        <label class="field">
          {words.decimal}
          <select data-testid="decimal" value={decimal.value} onChange={(event) => (decimal.value = event.currentTarget.value as typeof decimal.value)}>
            <option value=".">{words.decimalPoint}</option>
            <option value=",">{words.decimalComma}</option>
          </select>
        </label>
      )}
    </div>
  );
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) !== "string";
  } catch {
    return false;
  }
}

interface SenderProps {
  sample: string;
  topic: Signal<string>;
  device: Signal<string>;
  inMessage: boolean;
  adds: boolean;
}

/** Which device sends: one level of the topic names it, or a person does. */
function Sender({ sample, topic, device, inMessage, adds }: SenderProps): JSX.Element | null {
  const words = t().mapping;
  const levels = sample.split("/");
  const template = (index: number) => levels.map((level, at) => (at === index ? "{device}" : level)).join("/");
  if (inMessage) return <p class="small quiet">{words.deviceInMessage}</p>;
  const single = !topic.value.includes("{device");
  return (
    <fieldset class="sender">
      <legend>{words.who}</legend>
      {!sample.includes("{") && (
        <div class="levels">
          <label>
            <input type="radio" name={`who-${sample}`} checked={single} onChange={() => (topic.value = sample)} />
            <span>{words.onlyThis}</span>
          </label>
          {levels.length > 1 &&
            levels.map((level, index) => (
              <label key={index}>
                <input
                  type="radio"
                  name={`who-${sample}`}
                  data-testid={`level-${index}`}
                  checked={topic.value === template(index)}
                  onChange={() => (topic.value = template(index))}
                />
                <span>
                  <code>{level}</code>
                </span>
              </label>
            ))}
        </div>
      )}
      {adds ? (
        <p class="small quiet">{words.adds}</p>
      ) : single ? (
        <label class="field">
          {words.device}
          <input required maxLength={120} data-testid="mapping-device" value={device} onInput={(event) => (device.value = event.currentTarget.value)} />
        </label>
      ) : (
        <p class="small quiet">{words.allLike(topic.value)}</p>
      )}
    </fieldset>
  );
}

interface PlaceProps {
  leaf: Leaf;
  others: Leaf[];
  choice: Choice;
  quantities: Mappings["quantities"];
  onChange: (part: Partial<Choice>) => void;
}

function Place({ leaf, others, choice, quantities, onChange }: PlaceProps): JSX.Element {
  const words = t().mapping;
  const nth = /^\[(\d+)\]$/.exec(leaf.path);
  const named = nth !== null ? words.nth(Number(nth[1]) + 1) : leaf.path === "" ? words.whole : leaf.path;
  const reads = choice.quantity !== "" && !choice.quantity.startsWith("@");
  const units = quantities.find((found) => found.name === choice.quantity)?.units ?? [];
  const written = /^[+-]?\d[\d.,]*\s*[^\d\s.,]/.test(leaf.value.trim());
  const beside = others.filter((other) => other.path !== leaf.path && /^[^\d\s][^\d]{0,7}\d?$/.test(other.value));
  return (
    <tr>
      <td>
        {nth !== null || leaf.path === "" ? named : <code>{named}</code>}
      </td>
      <td class="number">{leaf.value}</td>
      <td class="wide">
        <select
          aria-label={`${words.quantity}${t().colon}${named}`}
          value={choice.quantity}
          data-testid={`quantity-${leaf.path}`}
          onChange={(event) => onChange({ quantity: event.currentTarget.value })}
        >
          <option value="">{words.nothing}</option>
          {quantities.map((found) => (
            <option key={found.name} value={found.name}>
              {lang.value === "en" ? found.en : found.zh}
            </option>
          ))}
          <option value={TIME}>{words.isTime}</option>
          {leaf.path !== "" && <option value={DEVICE}>{words.isDevice}</option>}
        </select>
      </td>
      <td class="wide">
        {reads && units.length !== STATE_UNITS && (
          <select
            aria-label={`${words.unit}${t().colon}${named}`}
            value={choice.unit}
            data-testid={`unit-${leaf.path}`}
            onChange={(event) => onChange({ unit: event.currentTarget.value })}
          >
            <option value="">{words.chooseUnit}</option>
            {!units.includes(choice.unit) && choice.unit !== "" && choice.unit !== "*" && !choice.unit.startsWith("at:") && (
              <option value={choice.unit}>{choice.unit}</option>
            )}
            {units.map((unit) => (
              <option key={unit} value={unit}>
                {unit === "1" ? words.noUnit : unit}
              </option>
            ))}
            {(written || choice.unit === "*") && <option value="*">{words.unitWritten}</option>}
            {beside.map((other) => (
              <option key={other.path} value={`at:${other.path}`}>
                {words.unitAt(other.path, other.value)}
              </option>
            ))}
          </select>
        )}
      </td>
      <td class="wide">
        {reads && (
          <input
            aria-label={`${words.channel}${t().colon}${named}`}
            placeholder={words.channel}
            maxLength={64}
            value={choice.channel}
            onInput={(event) => onChange({ channel: event.currentTarget.value })}
          />
        )}
      </td>
    </tr>
  );
}
