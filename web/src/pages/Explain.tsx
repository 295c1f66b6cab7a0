/** How the number of a day came about, in sentences: registers, events, gaps, checks. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Explained } from "../api/shapes";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { Card } from "../ui/parts";
import { pointName } from "../ui/points";

export function Explain({ device }: { device: number }): JSX.Element {
  const words = t().explain;
  const day = useSignal(new Intl.DateTimeFormat("sv-SE", { timeZone: zone.value }).format(now.value - 86_400_000));
  const path = day.value === "" ? "" : `/devices/${device}/explain?day=${day.value}&lang=${lang.value}`;
  const data = useQuery<Explained>(path, { every_ms: 0 }).data.value;
  const items = data?.items.filter((item) => item.text.length > 0) ?? [];
  return (
    <Card title={words.title}>
      <label class="field">
        {words.day}
        <input type="date" value={day} data-testid="explain-day" onInput={(event) => (day.value = event.currentTarget.value)} />
      </label>
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
