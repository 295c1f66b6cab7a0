/** The pipeline in plain words: is everything alive, and when did an alert last go the whole way. */
import type { JSX } from "preact";
import type { System as SystemData, Today } from "../api/shapes";
import { bytes, decimal, duration } from "../format";
import { Link } from "../router";
import { lastReading } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { t } from "../texts";
import { GoodIcon, WarnIcon } from "../ui/Icons";
import { Age, Card, Page, Read, State } from "../ui/parts";

type Check = SystemData["checks"][number];

/** The way of a reading, in its order; what is not named here stands under "other". */
const STAGES: readonly (readonly [string, readonly string[]])[] = [
  ["receive", ["broker", "broker answers", "broker refusal", "ingest"]],
  ["keep", ["commit", "store", "influx"]],
  ["judge", ["judging", "rules", "alerting", "kpis"]],
  ["tell", ["outbox", "notifications", "round trip", "heartbeat"]],
  ["machine", ["disk", "clock", "leader"]],
];

function stages(checks: readonly Check[]): [string, Check[]][] {
  const named = new Set(STAGES.flatMap(([, parts]) => parts));
  const found = STAGES.map(([key, parts]): [string, Check[]] => [key, parts.flatMap((part) => checks.filter((check) => check.name === part))]);
  return [...found, ["other", checks.filter((check) => !named.has(check.name))] as [string, Check[]]].filter(([, items]) => items.length > 0);
}

/** When the self-test last went the whole way, in the check's own figures. */
function tripOf(checks: readonly Check[]): string {
  const words = t().system;
  const trip = checks.find((check) => check.name === "round trip");
  if (trip === undefined) return "";
  const found = /trip (\d+) s ago, took ([\d.]+) s/.exec(trip.value);
  return found === null ? words.noTrip : words.trip(duration(Number(found[1]) * 1000, lang.value), found[2] ?? "");
}

export default function System(): JSX.Element {
  const query = useQuery<SystemData>("/system", { every_ms: 5_000 });
  const words = t().system;
  return (
    <Page title={words.title} lead={words.lead}>
      <Read query={query}>
        {(data) => {
          const bad = data.checks.filter((check) => !check.ok).length;
          return (
            <>
              <section class={`calm${bad === 0 ? "" : " unsure"}`} data-testid="system-verdict">
                {bad === 0 ? <GoodIcon aria-hidden="true" /> : <WarnIcon aria-hidden="true" />}
                <div>
                  <h2>{bad === 0 ? words.fine : words.trouble(bad)}</h2>
                  <p class="quiet">{tripOf(data.checks)}</p>
                </div>
              </section>
              <div class="grid wide-left">
                <Card title={words.parts}>
                  <ol class="stages">
                    {stages(data.checks).map(([key, items]) => (
                      <Stage key={key} name={key} items={items} />
                    ))}
                  </ol>
                </Card>
                <Figures data={data} />
              </div>
            </>
          );
        }}
      </Read>
    </Page>
  );
}

function Stage({ name, items }: { name: string; items: readonly Check[] }): JSX.Element {
  const words = t().system;
  const well = items.every((check) => check.ok);
  const said = items.filter((check) => check.ok).map((check) => words.value(check.name, check.value) || (words.part[check.name] === undefined ? check.value : ""));
  return (
    <li>
      <div class="stage">
        <b>{words.stage[name]}</b>
        <span class="quiet">{said.filter((text) => text !== "").join(t().comma)}</span>
        {items
          .filter((check) => !check.ok)
          .map((check) => (
            <div key={check.name} class="stage-fault">
              <b>{words.fault[check.name] ?? words.part[check.name] ?? check.name}</b>
              <span>{words.remedy[check.name] ?? ""}</span>
              <span class="small faint">{words.detail(check.value)}</span>
            </div>
          ))}
      </div>
      <State tone={well ? "green" : "orange"}>{well ? words.good : words.bad}</State>
    </li>
  );
}

function Figures({ data }: { data: SystemData }): JSX.Element {
  const words = t().system;
  const today = useQuery<Today>("/today").data.value;
  const rejected = Object.values(data.rejected).reduce((sum, count) => sum + count, 0);
  return (
    <Card title={words.figures} aside={words.up(duration(data.now_ms - data.started_ms, lang.value))}>
      <dl class="facts-list numbers">
        <div>
          <dt>{words.lastReading}</dt>
          <dd class="number">
            <Age at_ms={Math.max(lastReading.value, today?.last_reading_ms ?? 0)} />
          </dd>
        </div>
        {Object.entries(data.counters)
          .filter(([name]) => words.counter[name] !== undefined)
          .map(([name, count]) => (
            <div key={name}>
              <dt>{words.counter[name]}</dt>
              <dd class="number">{decimal(count, 0)}</dd>
            </div>
          ))}
        <div>
          <dt>
            <Link to="/quarantine" class="link">
              {words.rejected}
            </Link>
          </dt>
          <dd class="number">{decimal(rejected, 0)}</dd>
        </div>
        {Object.entries(data.outbox).map(([name, count]) => (
          <div key={name}>
            <dt>
              {words.notify} · {t().incidents.outbox[name] ?? name}
            </dt>
            <dd class="number">{decimal(count, 0)}</dd>
          </div>
        ))}
        <div>
          <dt>{words.store}</dt>
          <dd class="number">{bytes(data.database_bytes)}</dd>
        </div>
        <div>
          <dt>{words.free}</dt>
          <dd class="number">{bytes(data.disk_free_bytes)}</dd>
        </div>
        <div>
          <dt>{words.version}</dt>
          <dd class="number">{data.version}</dd>
        </div>
      </dl>
    </Card>
  );
}
