/** One device: its values now, its past, what is known of it, and what may be changed. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { DeviceOut, History as HistoryData, PointNow, UnitList } from "../api/shapes";
import { History } from "../charts/History";
import type { Tone } from "../charts/SmallChart";
import { amount, THIN, unitText } from "../format";
import { Link, params, setParam } from "../router";
import { now } from "../state/live";
import { refresh, useQuery } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate, site } from "../state/site";
import { t } from "../texts";
import { BackIcon, FileOwnedIcon } from "../ui/Icons";
import { Age, Card, failureWords, Note, Page, Read, useLive } from "../ui/parts";
import { pointName, valueText } from "../ui/points";
import { Quality } from "../ui/Quality";
import { useChange } from "../ui/useChange";
import { mainPoint, placeOf } from "./Devices";
import { About } from "./About";
import { Explain } from "./Explain";
import { Joined } from "./Joins";
import { MeterEvents, registersOf } from "./MeterEvents";

const DAY = 86_400_000;
const COLD = new Set(["fridge", "freezer", "sample_fridge"]);
const SPANS = { day: DAY, week: 7 * DAY, month: 30 * DAY, quarter: 90 * DAY, year: 365 * DAY } as const;
type SpanName = keyof typeof SPANS;

export default function Device({ id }: { id: number }): JSX.Element {
  const query = useQuery<DeviceOut>(`/devices/${id}`, { on: ["incident"] });
  const data = query.data.value;
  return (
    <Page
      title={data?.name ?? t().incidents.device}
      lead={data === undefined ? "" : [t().role[data.role] ?? data.role, placeOf(data)].filter((part) => part !== "").join(" · ")}
      over={
        <Link to="/devices" class="back">
          <BackIcon aria-hidden="true" />
          {t().devices.back}
        </Link>
      }
    >
      <Read query={query} height={600}>
        {(device) => <Body device={device} />}
      </Read>
    </Page>
  );
}

function Body({ device }: { device: DeviceOut }): JSX.Element {
  const words = t().device;
  const wanted = Number(params.value.get("point") ?? 0);
  const chosen = device.points.find((point) => point.point === wanted) ?? mainPoint(device);
  const meter = registersOf(device).length > 0;
  return (
    <>
      {device.incident !== null && (
        <Note bad>
          {words.hasIncident}{" "}
          <Link to={`/incidents/${device.incident}`} class="inline-link">
            {t().todayPage.open}
          </Link>
        </Note>
      )}
      {!device.online && <Note bad>{words.silent}</Note>}
      {device.available === false && device.online && <Note>{words.saidOffline}</Note>}
      <Values device={device} chosen={chosen?.point} />
      {chosen !== undefined && <Past key={chosen.point} point={chosen} device={device} />}
      <Quality device={device.id} />
      <div class="grid two start">
        <div class="grid start">
          {meter && <MeterEvents device={device} />}
          <About device={device} />
          <Joined device={device} />
          {device.source === "file" ? (
            <p class="note">
              <FileOwnedIcon aria-hidden="true" />
              <span>{words.fileOwned}</span>
            </p>
          ) : (
            mayOperate.value && <Edit device={device} />
          )}
        </div>
        <div class="grid start">
          {meter && <Explain device={device.id} />}
          <Card title={words.lastMessage} aside={<Age at_ms={device.last_heard_ms} />}>
            {device.payload === "" ? (
              <p class="quiet">{words.noMessage}</p>
            ) : (
              <>
                <p class="small">
                  <code>{device.topic}</code>
                </p>
                <pre class="raw" tabIndex={0} aria-label={words.received}>
                  {device.payload}
                </pre>
              </>
            )}
          </Card>
        </div>
      </div>
    </>
  );
}

const PHASES = ["a", "b", "c"] as const;

/** What matters first: the device's own totals as cards; what is measured in each phase as one table. */
function Values({ device, chosen }: { device: DeviceOut; chosen: number | undefined }): JSX.Element {
  const main = mainPoint(device);
  const inPhases = device.points.filter((point) => (PHASES as readonly string[]).includes(point.channel));
  const table = inPhases.length >= 6;
  const cards = device.points.filter((point) => !table || !inPhases.includes(point));
  cards.sort((a, b) => Number(b.point === main?.point) - Number(a.point === main?.point));
  const quantities = [...new Set(inPhases.map((point) => point.quantity))];
  return (
    <>
      <div class="grid units">
        {cards.map((point) => (
          <Value key={point.point} point={point} chosen={point.point === chosen} />
        ))}
      </div>
      {table && (
        <Card>
          <div class="table-wrap">
            <table class="phases">
              <thead>
                <tr>
                  <th />
                  {PHASES.map((phase) => (
                    <th key={phase} class="number">
                      {t().channel[phase]}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {quantities.map((quantity) => (
                  <tr key={quantity}>
                    <th scope="row">
                      {t().quantity[quantity] ?? quantity}
                      <span class="faint"> {unitText(inPhases.find((point) => point.quantity === quantity)?.unit ?? "")}</span>
                    </th>
                    {PHASES.map((phase) => (
                      <td key={phase} class="number">
                        <PhaseValue point={inPhases.find((point) => point.quantity === quantity && point.channel === phase)} chosen={chosen} />
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      )}
    </>
  );
}

function PhaseValue({ point, chosen }: { point: PointNow | undefined; chosen: number | undefined }): JSX.Element {
  const newest = useLive(point?.point, point?.value, point?.at_ms);
  if (point === undefined) return <>–</>;
  return (
    <button
      class={`phase${point.point === chosen ? " chosen" : ""}`}
      type="button"
      aria-pressed={point.point === chosen}
      aria-label={pointName(point)}
      data-testid={`point-${point.point}`}
      onClick={() => setParam("point", `${point.point}`)}
    >
      {amount(newest.value, point.unit).split(THIN)[0]}
    </button>
  );
}

function toneFor(device: DeviceOut): Tone {
  if (device.role === "electricity") return "amber";
  return device.role === "water" ? "blue" : "cyan";
}

function Value({ point, chosen }: { point: PointNow; chosen: boolean }): JSX.Element {
  const newest = useLive(point.point, point.value, point.at_ms);
  return (
    <button class={`card value-card${chosen ? " chosen" : ""}`} type="button" aria-pressed={chosen} onClick={() => setParam("point", `${point.point}`)}>
      <span class="small quiet">{pointName(point)}</span>
      <b data-testid={`point-${point.point}`}>{valueText(point.quantity, newest.value, point.unit)}</b>
      <span class="small faint">
        <Age at_ms={newest.at_ms} />
      </span>
    </button>
  );
}

function Past({ point, device }: { point: PointNow; device: DeviceOut }): JSX.Element {
  const tone = toneFor(device);
  const limit = useLimit(device, point);
  const words = t().device;
  const span = useSignal<SpanName>("day");
  const zoom = useSignal<{ start_ms: number; end_ms: number } | null>(null);
  const anchor = useSignal(now.value);
  const end = zoom.value?.end_ms ?? anchor.value + 60_000;
  const start = zoom.value?.start_ms ?? anchor.value - SPANS[span.value];
  const counter = point.kind === "counter" || point.kind === "delta";
  const resolution = counter ? (end - start <= 8 * DAY ? (end - start <= 2 * DAY ? "15min" : "hour") : "day") : "auto";
  const query = useQuery<HistoryData>(`/points/${point.point}/history?start_ms=${Math.round(start)}&end_ms=${Math.round(end)}&resolution=${resolution}&max_points=1500`, { every_ms: 0 });
  const data = query.data.value;
  const chart = useMemo(
    () =>
      data === undefined
        ? undefined
        : {
            at: data.at_ms,
            value: data.value,
            ...(data.resolution === "raw" || counter ? {} : { low: data.low, high: data.high }),
            quality: data.quality,
            reasons: reasonsOf(data),
          },
    [data, counter, lang.value],
  );
  const known = (data?.value ?? []).filter((value): value is number => typeof value === "number");
  const sum = known.reduce((total, value) => total + value, 0);
  const name = pointName(point);
  return (
    <Card
      title={name}
      aside={
        <span class="chips">
          {(Object.keys(SPANS) as SpanName[]).map((found) => (
            <button
              key={found}
              class="chip"
              type="button"
              aria-pressed={zoom.value === null && span.value === found}
              onClick={() => {
                zoom.value = null;
                anchor.value = now.value;
                span.value = found;
              }}
            >
              {words.spans[found]}
            </button>
          ))}
          {zoom.value !== null && (
            <button class="chip" type="button" onClick={() => (zoom.value = null)}>
              {words.reset}
            </button>
          )}
        </span>
      }
    >
      {chart?.at.length === 0 ? (
        <p class="quiet">{words.noHistory}</p>
      ) : chart === undefined ? (
        <div style={{ minHeight: "320px" }} />
      ) : (
        <History
          data={chart}
          unit={point.unit}
          tone={tone}
          title={name}
          zero={counter || point.quantity === "power"}
          steps={counter || point.kind === "state"}
          height={300}
          range={{ start_ms: start, end_ms: end }}
          onRange={(range) => (zoom.value = range)}
          least={point.quantity === "temperature" ? 4 : 0}
          limits={limit}
        />
      )}
      <p class="small faint">
        {known.length > 0 &&
          (counter
            ? words.findingAmount(name, amount(sum, point.unit))
            : words.finding(name, amount(Math.min(...known), ""), amount(Math.max(...known), point.unit)))}
        {data !== undefined && known.length > 0 && ` · ${words.resolution[data.resolution] ?? data.resolution} · ${words.historyHint}`}
      </p>
    </Card>
  );
}

/** The limit that a unit's air is judged by, as a line in its chart. */
function useLimit(device: DeviceOut, point: PointNow): { value: number; label: string }[] {
  const cold = COLD.has(device.role) && point.quantity === "temperature" && point.channel !== "evaporator";
  const units = useQuery<UnitList>(cold ? "/cold/units" : "", { every_ms: 0 }).data.value;
  const unit = cold ? units?.items.find((found) => found.device === device.id) : undefined;
  const high = unit?.limit_high_c ?? null;
  return high === null ? [] : [{ value: high, label: t().cold.limitHigh(amount(high, "degC", 0)) }];
}

/** Why each interval is what it is, in the reader's words; plain ones have none. */
function reasonsOf(data: HistoryData): ReadonlyMap<number, readonly string[]> {
  const names = new Map(data.names.map((name) => [name.code, lang.value === "en" ? name.en : name.zh]));
  const found = new Map<number, readonly string[]>();
  data.reason.forEach((codes, index) => {
    const at = data.at_ms[index];
    if (codes !== "" && at !== undefined) found.set(at, codes.split("+").map((code) => names.get(code) ?? code));
  });
  return found;
}

function Edit({ device }: { device: DeviceOut }): JSX.Element {
  const words = t().device;
  const name = useSignal(device.name);
  const role = useSignal(device.role);
  const building = useSignal(device.building);
  const interval = useSignal(`${device.interval_s}`);
  const done = useSignal(false);
  const { busy, failure, send } = useChange();
  const save = async () => {
    done.value = false;
    const body = { name: name.value.trim(), role: role.value, building: building.value, interval_s: Number(interval.value) };
    if (await send("PATCH", `/devices/${device.id}`, body)) {
      done.value = true;
      refresh("/devices");
      refresh("/today");
    }
  };
  return (
    <Card title={words.editTitle}>
      <form
        class="form columns"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <label class="field">
          {words.name}
          <input required maxLength={80} value={name} onInput={(event) => (name.value = event.currentTarget.value)} />
        </label>
        <label class="field">
          {words.role}
          <select value={role} onChange={(event) => (role.value = event.currentTarget.value)}>
            {Object.entries(t().role).map(([key, text]) => (
              <option key={key} value={key}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          {words.building}
          <select value={building} onChange={(event) => (building.value = event.currentTarget.value)}>
            <option value="">{words.noBuilding}</option>
            {(site.value?.buildings ?? []).map((found) => (
              <option key={found.id} value={found.id}>
                {found.name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          {words.intervalLabel}
          <input type="number" min={0} max={86400} value={interval} onInput={(event) => (interval.value = event.currentTarget.value)} />
        </label>
        <div class="buttons">
          <button class="button primary" type="submit" disabled={busy.value}>
            {t().save}
          </button>
          <span class="small faint" aria-live="polite">
            {done.value ? words.saved : words.pageOwned}
          </span>
        </div>
      </form>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </Card>
  );
}
