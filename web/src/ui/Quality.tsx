/** How good a device's data are: each point, what is wrong, since when, why, and what to do. */
import type { JSX } from "preact";
import type { DeviceQuality, PointQuality, QualityFinding } from "../api/shapes";
import { moment, percent } from "../format";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { Card, State } from "./parts";
import { pointName } from "./points";

const DAYS = 14;

export function Quality({ device }: { device: number }): JSX.Element | null {
  const words = t().quality;
  const data = useQuery<DeviceQuality>(`/devices/${device}/quality?days=${DAYS}`, { every_ms: 60_000 }).data.value;
  if (data === undefined) return <Card title={words.title} class="quality" aside={words.days(DAYS)}><div style={{ minHeight: "96px" }} /></Card>;
  const flawed = data.points.filter((point) => point.findings.some((found) => !found.use));
  const unusual = data.points.filter((point) => point.findings.some((found) => found.use));
  const known = data.points.filter((point) => point.coverage !== null);
  const least = Math.min(1, ...known.map((point) => point.coverage ?? 1));
  const estimated = Math.max(0, ...data.points.map((point) => point.estimated ?? 0));
  const counted = data.points.some((point) => point.estimated !== null);
  return (
    <Card title={words.title} class="quality" aside={words.days(DAYS)}>
      <p data-testid="quality-verdict">
        <b>{known.length === 0 ? words.nothing : flawed.length === 0 ? words.good : words.flawed(flawed.length, data.points.length)}</b>
        {known.length > 0 && <span class="quiet"> {words.shares(share(least), counted ? share(estimated) : "")}</span>}
      </p>
      {flawed.length > 0 && (
        <ul class="findings">
          {flawed.flatMap((point) => point.findings.filter((found) => !found.use).map((found) => <Finding key={`${point.point}-${found.code}`} point={point} found={found} />))}
        </ul>
      )}
      {unusual.length > 0 && (
        <details>
          <summary class="small quiet">{words.unusual(unusual.flatMap((point) => point.findings.filter((found) => found.use)).length)}</summary>
          <ul class="findings">
            {unusual.flatMap((point) => point.findings.filter((found) => found.use).map((found) => <Finding key={`${point.point}-${found.code}`} point={point} found={found} />))}
          </ul>
        </details>
      )}
    </Card>
  );
}

/** A share as per cent; a decimal where it would else read as all or nothing. */
function share(part: number): string {
  return percent(part, (part > 0 && part < 0.01) || (part > 0.99 && part < 0.9995) ? 1 : 0);
}

function Finding({ point, found }: { point: PointQuality; found: QualityFinding }): JSX.Element {
  const words = t().quality;
  const en = lang.value === "en";
  const remedy = en ? found.remedy_en : found.remedy_zh;
  const at = (time: number) => moment(time, now.value, lang.value, zone.value);
  const lasts = found.until_ms === null;
  const when = lasts ? words.since(at(found.since_ms)) : words.last(at(found.since_ms), found.times);
  return (
    <li data-testid={`finding-${found.code}`}>
      <State tone={found.use ? "ink" : lasts ? "orange" : "ink"}>{lasts ? words.now : words.past}</State>
      <div>
        <b>
          {pointName(point)}
          {t().colon}
          {en ? found.en : found.zh}
        </b>
        <p class="small quiet">{when}</p>
        {remedy !== "" && (
          <p class="small">
            {words.todo}
            {remedy}
          </p>
        )}
      </div>
    </li>
  );
}
