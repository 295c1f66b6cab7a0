/** What is known of a device: its key, dialect, place, and what it says of its own connection. */
import type { JSX } from "preact";
import type { DeviceOut } from "../api/shapes";
import { duration, instant } from "../format";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { Card } from "../ui/parts";
import { placeOf } from "./Devices";

export function About({ device }: { device: DeviceOut }): JSX.Element {
  const words = t().device;
  const limits = Object.entries(device.limits);
  const facts: [string, string][] = [
    [words.key, device.key],
    [words.driver, device.driver],
    [words.model, device.model],
    [words.connection, device.available === null ? "" : device.available ? words.saidConnected : words.saidDisconnected],
    [words.place, placeOf(device) || t().unknownPlace],
    [words.interval, device.interval_s > 0 ? words.everySeconds(duration(device.interval_s * 1000, lang.value)) : words.unknownInterval],
    [words.firstHeard, device.first_heard_ms > 0 ? instant(device.first_heard_ms, lang.value, zone.value) : ""],
    [words.lastHeard, device.last_heard_ms > 0 ? instant(device.last_heard_ms, lang.value, zone.value) : ""],
    [words.limits, limits.map(([name, value]) => `${name} = ${value}`).join(t().listComma)],
  ];
  return (
    <Card title={words.about}>
      <dl class="facts-list">
        {facts
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </Card>
  );
}
