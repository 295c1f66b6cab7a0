/** What the kitchen does with a unit: what now, how long is left, one-tap states, records. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { ColdActionContent, UnitNow } from "../api/shapes";
import { duration } from "../format";
import { refresh } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate } from "../state/site";
import { t } from "../texts";
import { Dialog } from "../ui/Dialog";
import { failureWords, Note } from "../ui/parts";
import { useChange } from "../ui/useChange";

const MINUTE_MS = 60_000;
const FIRST = ["receiving", "cleaning", "probe", "disposition"];
const REMEMBERED = "caretaker.person";

/** The part of a unit's card that a cook uses. */
export function Kitchen({ unit, compact = false }: { unit: UnitNow; compact?: boolean }): JSX.Element {
  const words = t().kitchen;
  const open = useSignal(false);
  const folded = compact && unit.todo.length === 0 && unit.standing.length === 0 && !open.value;
  return (
    <div class="kitchen" data-testid={`kitchen-${unit.device}`}>
      {unit.todo.length > 0 && (
        <div class="todo">
          <h3 class="small-title">{words.todoTitle}</h3>
          <ol>
            {unit.todo.map((step) => (
              <li key={step}>{words.todo[step] ?? step}</li>
            ))}
          </ol>
        </div>
      )}
      <Exposure unit={unit} />
      {mayOperate.value &&
        (folded ? (
          <button class="button small no-print unfold" type="button" data-testid={`unfold-${unit.device}`} onClick={() => (open.value = true)}>
            {words.unfold}
          </button>
        ) : (
          <Taps unit={unit} />
        ))}
    </div>
  );
}

function Exposure({ unit }: { unit: UnitNow }): JSX.Element | null {
  const words = t().kitchen;
  if (unit.exposure_min < 1 || unit.decision_min <= 0) return null;
  const share = Math.min(1, unit.exposure_min / unit.decision_min);
  const said = (minutes: number) => duration(minutes * MINUTE_MS, lang.value);
  const over = unit.left_min <= 0;
  return (
    <div class={`exposure${over ? " over" : ""}`}>
      <div
        class="track"
        role="meter"
        aria-valuemin={0}
        aria-valuemax={unit.decision_min}
        aria-valuenow={Math.round(unit.exposure_min)}
        aria-label={words.exposureOf(said(unit.exposure_min), said(unit.decision_min))}
      >
        <span style={{ width: `${share * 100}%` }} />
      </div>
      <p class="small">
        <b>{over ? words.over : words.left(said(unit.left_min))}</b>
        <span class="quiet"> · {words.exposureOf(said(unit.exposure_min), said(unit.decision_min))}</span>
      </p>
    </div>
  );
}

function Taps({ unit }: { unit: UnitNow }): JSX.Element {
  const words = t().kitchen;
  const asked = useSignal("");
  const done = useSignal(false);
  const { busy, failure, send } = useChange();
  const end = async (record: number) => {
    const person = localStorage.getItem(REMEMBERED) ?? "";
    if (await send("POST", `/cold/records/${record}/end`, { person })) refresh("/cold");
  };
  const rest = unit.taps.filter((tap) => words.taps[tap] !== undefined && !FIRST.includes(tap));
  return (
    <>
      {unit.standing.map((record) => (
        <p key={record.id} class="standing small">
          <span>{words.since(words.taps[record.kind] ?? record.kind, record.author)}</span>
          <button class="button small" type="button" disabled={busy.value} onClick={() => void end(record.id)}>
            {record.kind === "decommissioned" ? words.resume : words.endTap(words.taps[record.kind] ?? record.kind)}
          </button>
        </p>
      ))}
      <div class="buttons taps no-print">
        {FIRST.filter((tap) => unit.taps.includes(tap)).map((tap) => (
          <button key={tap} class="button" type="button" data-testid={`tap-${tap}`} onClick={() => (asked.value = tap)}>
            {words.taps[tap]}
          </button>
        ))}
        {rest.length > 0 && (
          <select class="button" aria-label={words.more} value="" onChange={(event) => (asked.value = event.currentTarget.value)}>
            <option value="">{words.more}…</option>
            {rest.map((tap) => (
              <option key={tap} value={tap}>
                {words.taps[tap]}
              </option>
            ))}
          </select>
        )}
      </div>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
      <div aria-live="polite">{done.value && <p class="small quiet">{words.saved}</p>}</div>
      {asked.value !== "" && (
        <Entry
          unit={unit}
          kind={asked.value}
          onClose={(saved) => {
            asked.value = "";
            done.value = saved;
          }}
        />
      )}
    </>
  );
}

interface Batch {
  batch: string;
  disposition: string;
  kg: string;
}

/** The form of one record; what was typed stays when the connection is lost. */
function Entry({ unit, kind, onClose }: { unit: UnitNow; kind: string; onClose: (saved: boolean) => void }): JSX.Element {
  const words = t().kitchen;
  const person = useSignal(localStorage.getItem(REMEMBERED) ?? "");
  const text = useSignal("");
  const value = useSignal("");
  const cause = useSignal("other");
  const verifier = useSignal("");
  const batches = useSignal<Batch[]>([{ batch: "", disposition: "discard", kg: "" }]);
  const { busy, failure, send } = useChange();
  const submit = async () => {
    localStorage.setItem(REMEMBERED, person.value.trim());
    const [method, path, body] = request(unit, kind, {
      person: person.value.trim(),
      text: text.value.trim(),
      value: Number(value.value),
      measured: value.value !== "",
      cause: cause.value,
      verifier: verifier.value.trim(),
      batches: batches.value,
    });
    if (await send(method, path, body)) {
      refresh("/cold");
      refresh("/incidents");
      refresh("/today");
      onClose(true);
    }
  };
  const set = (index: number, part: Partial<Batch>) => {
    batches.value = batches.value.map((row, at) => (at === index ? { ...row, ...part } : row));
  };
  return (
    <Dialog title={`${unit.name} · ${words.taps[kind] ?? kind}`} onClose={() => onClose(false)}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p class="small quiet">{words.hint[kind]}</p>
        {(kind === "probe" || kind === "calibration") && (
          <Line label={kind === "probe" ? words.value : words.offset} value={value} number required testid="entry-value" />
        )}
        {kind === "probe" && <Line label={words.product} value={text} />}
        {kind === "calibration" && <Line label={words.reference} value={text} />}
        {kind === "decommissioned" && <Line label={words.foodWentTo} value={text} required />}
        {(kind === "receiving" || kind === "cleaning") && <Line label={words.note} value={text} />}
        {kind === "disposition" && (
          <>
            {batches.value.map((row, index) => (
              <fieldset key={index} class="batch">
                <label class="field">
                  {words.batch}
                  <input
                    required
                    maxLength={80}
                    value={row.batch}
                    data-testid={`batch-${index}`}
                    onInput={(event) => set(index, { batch: event.currentTarget.value })}
                  />
                </label>
                <label class="field">
                  {words.what}
                  <select value={row.disposition} onChange={(event) => set(index, { disposition: event.currentTarget.value })}>
                    {Object.entries(words.dispositions).map(([key, said]) => (
                      <option key={key} value={key}>
                        {said}
                      </option>
                    ))}
                  </select>
                </label>
                <label class="field short">
                  {words.kg}
                  <input
                    type="number"
                    inputMode="decimal"
                    min="0"
                    step="any"
                    value={row.kg}
                    onInput={(event) => set(index, { kg: event.currentTarget.value })}
                  />
                </label>
              </fieldset>
            ))}
            <button
              class="button plain small"
              type="button"
              onClick={() => (batches.value = [...batches.value, { batch: "", disposition: "discard", kg: "" }])}
            >
              {words.addBatch}
            </button>
            <Line label={words.coreValue} value={value} number />
            <label class="field">
              {words.cause}
              <select value={cause} onChange={(event) => (cause.value = event.currentTarget.value)}>
                {Object.entries(words.causes).map(([key, said]) => (
                  <option key={key} value={key}>
                    {said}
                  </option>
                ))}
              </select>
            </label>
            <Line label={words.verifier} value={verifier} />
          </>
        )}
        <Line label={words.person} value={person} required testid="entry-person" />
        {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
        <div class="buttons">
          <button class="button primary" type="submit" disabled={busy.value} data-testid="entry-save">
            {words.save}
          </button>
          <button class="button" type="button" onClick={() => onClose(false)}>
            {words.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface LineProps {
  label: string;
  value: Signal<string>;
  number?: boolean;
  required?: boolean;
  testid?: string;
}

function Line({ label, value, number = false, required = false, testid }: LineProps): JSX.Element {
  return (
    <label class="field">
      {label}
      <input
        required={required}
        maxLength={80}
        value={value}
        data-testid={testid}
        {...(number ? { type: "number", inputMode: "decimal" as const, step: "any" } : {})}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </label>
  );
}

interface Entered {
  person: string;
  text: string;
  value: number;
  measured: boolean;
  cause: string;
  verifier: string;
  batches: Batch[];
}

function request(unit: UnitNow, kind: string, entered: Entered): ["POST" | "PATCH", string, unknown] {
  const base = `/cold/units/${unit.device}`;
  const { person, text, value } = entered;
  if (kind === "probe") return ["POST", `${base}/probes`, { value_c: value, product: text, person, probe: "" }];
  if (kind === "calibration") return ["POST", `${base}/calibrations`, { offset_k: value, reference: text, person, note: "" }];
  if (kind !== "disposition") {
    const out = kind === "decommissioned";
    return ["POST", `${base}/states`, { kind, person, note: out ? "" : text, food_went_to: out ? text : "" }];
  }
  const content: ColdActionContent = {
    person,
    cause: entered.cause as NonNullable<ColdActionContent["cause"]>,
    dispositions: entered.batches.map((row) => ({
      batch: row.batch.trim(),
      disposition: row.disposition as "discard",
      kg: Number(row.kg) || 0,
      value_cny: 0,
      to: "",
    })),
  };
  if (entered.verifier !== "") content.verifier = entered.verifier;
  if (entered.measured) {
    content.core_temperatures = [{ value_c: value, product: entered.batches[0]?.batch ?? "", probe: "", at_ms: Date.now() }];
  }
  const decided = entered.batches.every((row) => row.disposition !== "hold");
  const known = unit.actions[0];
  if (known === undefined) return ["POST", "/cold/actions", { device: unit.device, decided, content }];
  return [
    "PATCH",
    `/cold/actions/${known}`,
    { reason: t().kitchen.taps["disposition"], decided, close: decided && entered.verifier !== "", content },
  ];
}
