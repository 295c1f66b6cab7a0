/** Every device that is ours: what it says now, and how long ago it spoke. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { DeviceList, DeviceOut, PointNow } from "../api/shapes";
import { duration } from "../format";
import { Link, params, setParam } from "../router";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { site } from "../state/site";
import { t } from "../texts";
import { DeviceIcon } from "../ui/Icons";
import { Age, Card, Empty, Page, Read, State, useLive } from "../ui/parts";
import { valueText } from "../ui/points";

const FIRST: Readonly<Record<string, string>> = {
  electricity: "power",
  water: "volume",
  room: "temperature",
  fridge: "temperature",
  freezer: "temperature",
  sample_fridge: "temperature",
  hot_holding: "temperature",
  door: "door",
};
const MAIN = ["power", "flow", "temperature", "volume", "energy", "door"];

/** The point that says most of a device, by what it is for. */
export function mainPoint(device: DeviceOut): PointNow | undefined {
  for (const quantity of [FIRST[device.role] ?? "", ...MAIN]) {
    const found = device.points.filter((point) => point.quantity === quantity && point.value !== null);
    const best = found.find((point) => point.channel === "" || point.channel === "air") ?? found[0];
    if (best !== undefined) return best;
  }
  return device.points[0];
}

/** Where a device stands, in the site's words. */
export function placeOf(device: DeviceOut): string {
  const building = site.value?.buildings.find((found) => found.id === device.building)?.name ?? device.building;
  const area = site.value?.areas.find((found) => found.id === device.area)?.name ?? device.area;
  return [building, area].filter((part) => part !== "").join(" · ");
}

export default function Devices(): JSX.Element {
  const query = useQuery<DeviceList>("/devices?status=adopted", { on: ["inbox", "incident"] });
  const text = useSignal("");
  const role = params.value.get("role") ?? "";
  const words = t().devices;
  return (
    <Page title={words.title} lead={query.data.value === undefined ? "" : words.lead(query.data.value.items.length)}>
      <Read query={query}>
        {(data) => {
          if (data.items.length === 0) {
            return (
              <Card>
                <Empty icon={DeviceIcon} title={words.empty}>
                  <p>{words.emptyMore}</p>
                  <Link to="/inbox" class="button">
                    {words.toInbox}
                  </Link>
                </Empty>
              </Card>
            );
          }
          const quiet = data.items.filter((device) => !device.online).length;
          const roles = [...new Set(data.items.map((device) => device.role))];
          const wanted = text.value.trim().toLowerCase();
          const shown = data.items.filter(
            (device) => (role === "" || device.role === role || (role === "silent" && !device.online)) && (wanted === "" || `${device.name} ${device.key} ${placeOf(device)}`.toLowerCase().includes(wanted)),
          );
          return (
            <>
              <div class="filters">
                <input class="search" type="search" placeholder={words.search} aria-label={words.search} value={text} onInput={(event) => (text.value = event.currentTarget.value)} />
                <button class="chip" type="button" aria-pressed={role === ""} onClick={() => setParam("role", "")}>
                  {words.allKinds}
                </button>
                {quiet > 0 && (
                  <button class="chip" type="button" aria-pressed={role === "silent"} onClick={() => setParam("role", role === "silent" ? "" : "silent")}>
                    {words.silentOnly(quiet)}
                  </button>
                )}
                {roles.map((found) => (
                  <button key={found} class="chip" type="button" aria-pressed={role === found} onClick={() => setParam("role", role === found ? "" : found)}>
                    {t().role[found] ?? found}
                  </button>
                ))}
              </div>
              <Card class="device-list">
                {shown.length === 0 ? (
                  <Empty icon={DeviceIcon} title={words.noMatch}>
                    <p>{words.noMatchMore}</p>
                  </Empty>
                ) : (
                  <div class="rows">
                    {shown.map((device) => (
                      <Row key={device.id} device={device} />
                    ))}
                  </div>
                )}
              </Card>
            </>
          );
        }}
      </Read>
    </Page>
  );
}

function Row({ device }: { device: DeviceOut }): JSX.Element {
  const words = t().devices;
  const point = mainPoint(device);
  const newest = useLive(point?.point, point?.value, point?.at_ms);
  const place = placeOf(device);
  return (
    <Link to={`/devices/${device.id}`}>
      <span class="what">
        <b>{device.name}</b>
        <span>{[t().role[device.role] ?? device.role, place === "" ? "" : place].filter((part) => part !== "").join(" · ")}</span>
      </span>
      {!device.online && (
        <State tone="orange">{newest.at_ms === null ? words.never : words.silentFor(duration(Math.max(0, now.value - newest.at_ms), lang.value))}</State>
      )}
      {device.online && device.available === false && <State tone="ink">{words.saidOffline}</State>}
      <span class="worth">
        <b data-testid={point === undefined ? undefined : `point-${point.point}`}>{point === undefined ? "–" : valueText(point.quantity, newest.value, point.unit)}</b>
        <span>
          <Age at_ms={newest.at_ms} />
        </span>
      </span>
    </Link>
  );
}
