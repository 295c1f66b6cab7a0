/** Meters and rooms as they are now, a line each. */
import type { JSX } from "preact";
import type { MeterNow, RoomNow } from "../api/shapes";
import { Spark } from "../charts/Spark";
import { amount, decimal } from "../format";
import { Link } from "../router";
import { t } from "../texts";
import { Card, State, useLive } from "./parts";

/** So many stand on the first page; all others are one click away. */
export const ROWS = 12;

export function Meters({ meters }: { meters: readonly MeterNow[] }): JSX.Element | null {
  const words = t().todayPage;
  if (meters.length === 0) return null;
  return (
    <Card title={words.meters} aside={words.metersLead}>
      <ul class="now-rows">
        {meters.slice(0, ROWS).map((meter) => (
          <MeterRow key={meter.device} meter={meter} />
        ))}
      </ul>
      <AllOf count={meters.length} to="/devices" />
    </Card>
  );
}

export function AllOf({ count, to }: { count: number; to: string }): JSX.Element | null {
  if (count <= ROWS) return null;
  return (
    <p class="all-of">
      <Link to={to} class="link">
        {t().todayPage.showAll(count)}
      </Link>
    </p>
  );
}

function MeterRow({ meter }: { meter: MeterNow }): JSX.Element {
  const words = t().todayPage;
  const water = meter.role === "water";
  const power = useLive(meter.power_point, meter.power_kw, meter.at_ms);
  return (
    <li>
      <Link to={`/devices/${meter.device}`}>
        <span class="name">{meter.name}</span>
        <span class="shape">
          {meter.online ? (
            <Spark at={meter.hours.at_ms} value={meter.hours.value} tone={water ? "blue" : "amber"} least={0.1} />
          ) : (
            <State tone="orange">{t().cold.state["silent"]}</State>
          )}
        </span>
        <span class="number quiet">{meter.power_point === null ? "" : amount(power.value, "kW")}</span>
        <b class="number">{amount(meter.total, meter.unit)}</b>
        <span class="visually-hidden">{words.todaySoFar}</span>
      </Link>
    </li>
  );
}

export function Rooms({ rooms }: { rooms: readonly RoomNow[] }): JSX.Element | null {
  const words = t().todayPage;
  if (rooms.length === 0) return null;
  return (
    <Card title={words.rooms} aside={words.roomsLead}>
      <ul class="now-rows">
        {rooms.slice(0, ROWS).map((room) => (
          <RoomRow key={room.device} room={room} />
        ))}
      </ul>
      <AllOf count={rooms.length} to="/devices?role=room" />
    </Card>
  );
}

/** Above this a room wants fresh air [ppm]; a design default. */
const STUFFY_PPM = 1500;

function RoomRow({ room }: { room: RoomNow }): JSX.Element {
  const temperature = useLive(room.temperature_point, room.temperature, room.at_ms);
  const stuffy = room.co2 !== null && room.co2 > STUFFY_PPM;
  return (
    <li>
      <Link to={`/devices/${room.device}`}>
        <span class="name">{room.name}</span>
        <span class={`number ${stuffy ? "warn" : "quiet"}`}>{room.co2 === null ? "" : t().todayPage.air(decimal(room.co2, 0), stuffy)}</span>
        <span class="number quiet">{room.humidity === null ? "" : amount(room.humidity, "%")}</span>
        <b class="number">{amount(temperature.value, "degC")}</b>
      </Link>
    </li>
  );
}
