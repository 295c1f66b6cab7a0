/** The pipeline, part by part, in plain figures. */
import type { JSX } from "preact";
import type { System as SystemData } from "../api/shapes";
import { bytes, decimal, duration } from "../format";
import { Link } from "../router";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { t } from "../texts";
import { GoodIcon, WarnIcon } from "../ui/Icons";
import { Card, Page, Read, State } from "../ui/parts";

export default function System(): JSX.Element {
  const query = useQuery<SystemData>("/system", { every_ms: 5_000 });
  const words = t().system;
  return (
    <Page title={words.title} lead={words.lead}>
      <Read query={query}>
        {(data) => (
          <>
            <section class={`calm${data.status === "ok" ? "" : " unsure"}`}>
              {data.status === "ok" ? <GoodIcon aria-hidden="true" /> : <WarnIcon aria-hidden="true" />}
              <div>
                <h2>{data.status === "ok" ? words.fine : words.trouble}</h2>
                <p class="quiet">
                  {words.version} {data.version} · {words.up(duration(data.now_ms - data.started_ms, lang.value))}
                </p>
              </div>
            </section>
            <div class="grid wide-left">
              <Card title={words.parts}>
                <ul class="rows">
                  {data.checks.map((check) => (
                    <li key={`${check.name}-${check.value}`}>
                      <span class="what">
                        <b>{words.part[check.name] ?? check.name}</b>
                        <span>{[words.value(check.name, check.ok, check.value), check.remedy].filter((part) => part !== "").join(" ")}</span>
                      </span>
                      <State tone={check.ok ? "green" : "orange"}>{check.ok ? words.good : words.bad}</State>
                    </li>
                  ))}
                </ul>
              </Card>
              <Card title={words.figures}>
                <dl class="facts-list">
                  {Object.entries(data.counters).map(([name, count]) => (
                    <div key={name}>
                      <dt>{words.counter[name] ?? name}</dt>
                      <dd class="number">{decimal(count, 0)}</dd>
                    </div>
                  ))}
                  <div>
                    <dt>
                      <Link to="/quarantine">{words.rejected}</Link>
                    </dt>
                    <dd class="number">{decimal(Object.values(data.rejected).reduce((sum, count) => sum + count, 0), 0)}</dd>
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
                </dl>
              </Card>
            </div>
          </>
        )}
      </Read>
    </Page>
  );
}
