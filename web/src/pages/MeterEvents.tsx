/** What people recorded of a meter: exchange, ratio, dial, correction; each with author and reason. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import type { DeviceOut, MeterEvent, MeterEventIn, MeterEventList, PointNow } from "../api/shapes";
import { zonedInstant } from "../charts/time";
import { amount, decimal, isoDay, moment, unitText } from "../format";
import { now } from "../state/live";
import { refresh, useQuery } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate, zone } from "../state/site";
import { t } from "../texts";
import { Dialog } from "../ui/Dialog";
import { Card, failureWords, Note } from "../ui/parts";
import { pointName } from "../ui/points";
import { useChange } from "../ui/useChange";

const KINDS = ["swap", "multiplier", "amount", "leave_out", "register_max"] as const;
type Kind = (typeof KINDS)[number];
const REMEMBERED = "caretaker.person";
const QUARTER = 900_000;

const MAIN = ["energy", "volume", "energy_delta", "volume_delta"];

/** The points of a device that count something, its own total first. */
export function registersOf(device: DeviceOut): PointNow[] {
  const rank = (point: PointNow) => (point.channel === "" ? 0 : 10) + (MAIN.includes(point.quantity) ? 0 : 5);
  return device.points.filter((point) => point.kind === "counter" || point.kind === "delta").sort((a, b) => rank(a) - rank(b));
}

export function MeterEvents({ device }: { device: DeviceOut }): JSX.Element | null {
  const words = t().meter;
  const asked = useSignal<Kind | "">("");
  const withdrawn = useSignal(0);
  const data = useQuery<MeterEventList>(`/devices/${device.id}/meter-events`, { every_ms: 0 }).data.value;
  const items = [...(data?.items ?? [])].reverse();
  return (
    <Card title={words.title}>
      {data !== undefined && items.length === 0 && <p class="quiet">{words.none}</p>}
      {items.length > 0 && (
        <ul class="rows" data-testid="meter-events">
          {items.map((item) => (
            <li key={item.id}>
              <span class={`what${item.withdrawn_ms === null ? "" : " struck"}`}>
                <b>{eventWords(item, device)}</b>
                <span>
                  {item.at_ms > 0 && `${moment(item.at_ms, now.value, lang.value, zone.value)} · `}
                  {[item.author, item.reason].filter((part) => part !== "").join(t().colon)}
                  {item.withdrawn_ms !== null && ` · ${words.withdrawnBy(item.withdrawn_by)}`}
                </span>
              </span>
              {item.withdrawn_ms === null && mayOperate.value && (
                <button class="button small plain" type="button" onClick={() => (withdrawn.value = item.id)}>
                  {words.withdraw}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayOperate.value && (
        <div class="buttons record no-print">
          {KINDS.map((kind) => (
            <button key={kind} class="button small" type="button" data-testid={`record-${kind}`} onClick={() => (asked.value = kind)}>
              {words.kind[kind]}
            </button>
          ))}
        </div>
      )}
      {asked.value !== "" && <Entry device={device} kind={asked.value} onClose={() => (asked.value = "")} />}
      {withdrawn.value > 0 && <Withdraw device={device.id} number={withdrawn.value} onClose={() => (withdrawn.value = 0)} />}
    </Card>
  );
}

/** A record in a line. */
function eventWords(event: MeterEvent, device: DeviceOut): string {
  const words = t().meter;
  const register = device.points.find((point) => point.quantity === event.quantity && point.channel === event.channel);
  const unit = (register ?? registersOf(device)[0])?.unit ?? "";
  const until = event.end_ms > 0 ? moment(event.end_ms, now.value, lang.value, zone.value) : "";
  switch (event.kind) {
    case "swap":
      return words.swapped([event.old_serial, event.new_serial].filter((part) => part !== "").join(" → "), event.final ?? null, event.initial ?? null);
    case "multiplier":
      return words.multiplied(decimal(event.value ?? 1, (event.value ?? 1) % 1 === 0 ? 0 : 3));
    case "register_max":
      return words.dial(amount(event.value ?? null, unit));
    case "amount":
      return words.corrected(amount(event.value ?? null, unit), until);
    default:
      return words.leftOut(until);
  }
}

function done(device: number): void {
  for (const path of [`/devices/${device}`, "/points", "/today", "/usage"]) refresh(path);
}

/** Wall time of now in the site's zone, as a date-time field holds it, a quarter-hour or so ago. */
function wallNow(): string {
  const at = Math.floor(now.value / QUARTER) * QUARTER;
  const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone.value, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  return `${isoDay(at, zone.value)}T${time}`;
}

function Entry({ device, kind, onClose }: { device: DeviceOut; kind: Kind; onClose: () => void }): JSX.Element {
  const words = t().meter;
  const registers = registersOf(device);
  const register = useSignal(0);
  const from = useSignal(wallNow());
  const to = useSignal(wallNow());
  const value = useSignal("");
  const final = useSignal("");
  const initial = useSignal("");
  const oldSerial = useSignal("");
  const newSerial = useSignal("");
  const person = useSignal(localStorage.getItem(REMEMBERED) ?? "");
  const reason = useSignal("");
  const { busy, failure, send } = useChange();
  const chosen = registers[register.value];
  const correction = kind === "amount" || kind === "leave_out";
  const figure = (text: Signal<string>) => (text.value === "" ? null : Number(text.value));
  const submit = async () => {
    localStorage.setItem(REMEMBERED, person.value.trim());
    const body: MeterEventIn = {
      kind,
      at_ms: kind === "register_max" ? 0 : zonedInstant(from.value, zone.value),
      end_ms: correction ? zonedInstant(to.value, zone.value) : 0,
      author: person.value.trim(),
      reason: reason.value.trim(),
      quantity: chosen?.quantity ?? "",
      channel: chosen?.channel ?? "",
      value: kind === "leave_out" ? null : figure(value),
      final: kind === "swap" ? figure(final) : null,
      initial: kind === "swap" ? figure(initial) : null,
      old_serial: oldSerial.value.trim(),
      new_serial: newSerial.value.trim(),
    };
    if (await send("POST", `/devices/${device.id}/meter-events`, body)) {
      done(device.id);
      onClose();
    }
  };
  const unit = unitText(chosen?.unit ?? "");
  return (
    <Dialog title={`${device.name} · ${words.kind[kind] ?? kind}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p class="small quiet">{words.hint[kind]}</p>
        {registers.length > 1 && (
          <label class="field">
            {words.register}
            <select value={register.value} onChange={(event) => (register.value = Number(event.currentTarget.value))}>
              {registers.map((point, index) => (
                <option key={point.point} value={index}>
                  {pointName(point)}
                </option>
              ))}
            </select>
          </label>
        )}
        {kind !== "register_max" && <Line label={correction ? words.from : words.when} value={from} type="datetime-local" step="900" />}
        {correction && <Line label={words.to} value={to} type="datetime-local" step="900" />}
        {kind === "swap" && (
          <div class="form columns">
            <Line label={words.final(unit)} value={final} type="number" optional testid="meter-final" />
            <Line label={words.initial(unit)} value={initial} type="number" optional testid="meter-initial" />
            <Line label={words.oldSerial} value={oldSerial} optional />
            <Line label={words.newSerial} value={newSerial} optional />
          </div>
        )}
        {kind !== "leave_out" && <Line label={words.value(kind, unit)} value={value} type="number" optional={kind === "swap"} testid="meter-value" />}
        <Line label={words.reason} value={reason} optional={!correction} testid="meter-reason" />
        <Line label={words.person} value={person} testid="meter-person" />
        {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
        <div class="buttons">
          <button class="button primary" type="submit" disabled={busy.value} data-testid="meter-save">
            {words.save}
          </button>
          <button class="button" type="button" onClick={onClose}>
            {t().cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Withdraw({ device, number, onClose }: { device: number; number: number; onClose: () => void }): JSX.Element {
  const words = t().meter;
  const person = useSignal(localStorage.getItem(REMEMBERED) ?? "");
  const reason = useSignal("");
  const { busy, failure, send } = useChange();
  const submit = async () => {
    if (await send("POST", `/meter-events/${number}/withdraw`, { author: person.value.trim(), reason: reason.value.trim() })) {
      done(device);
      onClose();
    }
  };
  return (
    <Dialog title={words.withdraw} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p class="small quiet">{words.withdrawHint}</p>
        <Line label={words.reason} value={reason} />
        <Line label={words.person} value={person} />
        {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
        <div class="buttons">
          <button class="button primary" type="submit" disabled={busy.value}>
            {words.withdraw}
          </button>
          <button class="button" type="button" onClick={onClose}>
            {t().cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface LineProps {
  label: string;
  value: Signal<string>;
  type?: "text" | "number" | "datetime-local";
  step?: string;
  optional?: boolean;
  testid?: string;
}

function Line({ label, value, type = "text", step, optional = false, testid }: LineProps): JSX.Element {
  return (
    <label class="field">
      {optional ? t().meter.optional(label) : label}
      <input
        type={type}
        required={!optional}
        maxLength={200}
        step={step ?? (type === "number" ? "any" : undefined)}
        {...(type === "number" ? { inputMode: "decimal" as const, min: "0" } : {})}
        value={value}
        data-testid={testid}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </label>
  );
}
