/** How the number of a day came about, in sentences: registers, events, gaps, checks. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Explained } from "../api/shapes";
import { isoDay } from "../format";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { Card, DayField } from "../ui/parts";
import { pointName } from "../ui/points";

export function Explain({ device }: { device: number }): JSX.Element {
  const words = t().explain;
  const today = isoDay(now.value, zone.value);
  const day = useSignal(isoDay(now.value - 86_400_000, zone.value));
  const path = day.value === "" ? "" : `/devices/${device}/explain?day=${day.value}&lang=${lang.value}`;
  const data = useQuery<Explained>(path, { every_ms: 0 }).data.value;
  const items = data?.items.filter((item) => item.text.length > 0) ?? [];
  return (
    <Card title={words.title}>
      <DayField label={words.day} value={day.value} max={today} testid="explain-day" onChange={(value) => (day.value = value)} />
      {data !== undefined && items.length === 0 && <p class="quiet">{words.none}</p>}
      {items.map((item) => (
        <details key={item.point} class="explained" open={items.length === 1}>
          <summary>{pointName(item)}</summary>
          <ul class="plain small">
            {item.text.map((line, index) => (
              <li key={index}>{line}</li>
            ))}
          </ul>
        </details>
      ))}
    </Card>
  );
}
