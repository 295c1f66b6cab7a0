/** All incidents: open ones first to mind, closed ones to look up. */
import type { JSX } from "preact";
import type { IncidentLike, IncidentList } from "../api/shapes";
import { moment } from "../format";
import { Link, params, setParam } from "../router";
import { now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { GoodIcon } from "../ui/Icons";
import { takenWords } from "../ui/Alerts";
import { lasting, titleOf, toneOf } from "../ui/incident";
import { Card, Empty, Page, Read, State } from "../ui/parts";

const STATES = ["open", "closed", "all"] as const;
const SEVERITIES = ["", "critical", "alarm", "notice"] as const;

export default function Incidents(): JSX.Element {
  const state = STATES.find((found) => found === params.value.get("state")) ?? "open";
  const severity = SEVERITIES.find((found) => found === params.value.get("severity")) ?? "";
  const query = useQuery<IncidentList>(`/incidents?state=${state}&severity=${severity}&limit=200`, { on: ["incident"] });
  const words = t().incidents;
  return (
    <Page title={words.title} lead={words.lead}>
      <div class="filters">
        <span class="chips" role="group" aria-label={words.stateFilter}>
          {STATES.map((found) => (
            <button key={found} class="chip" type="button" aria-pressed={state === found} onClick={() => setParam("state", found === "open" ? "" : found)}>
              {words[found]}
            </button>
          ))}
        </span>
        <span class="chips" role="group" aria-label={words.severityFilter}>
          {SEVERITIES.filter((found) => found !== "").map((found) => (
            <button key={found} class="chip" type="button" aria-pressed={severity === found} onClick={() => setParam("severity", severity === found ? "" : found)}>
              {t().severity[found]}
            </button>
          ))}
        </span>
      </div>
      <Read query={query}>
        {(data) => (
          <Card>
            {data.items.length === 0 ? (
              <Empty icon={GoodIcon} title={state === "open" ? words.emptyOpen : words.empty}>
                <p>{words.emptyMore}</p>
              </Empty>
            ) : (
              <div class="rows">
                {ordered(data.items, state).map((item) => (
                  <Row key={item.id} item={item} />
                ))}
              </div>
            )}
          </Card>
        )}
      </Read>
    </Page>
  );
}

const GRAVITY: Readonly<Record<string, number>> = { critical: 0, alarm: 1, notice: 2 };

/** What is open by gravity, what recovered last; anything else as it came, the newest first. */
function ordered(items: readonly IncidentLike[], state: string): readonly IncidentLike[] {
  if (state !== "open") return items;
  const rank = (item: IncidentLike) => (item.state === "recovering" ? 10 : 0) + (GRAVITY[item.severity] ?? 3);
  return [...items].sort((a, b) => rank(a) - rank(b));
}

function Row({ item }: { item: IncidentLike }): JSX.Element {
  const words = t().incidents;
  return (
    <Link to={`/incidents/${item.id}`}>
      <span class="what">
        <b>{titleOf(item)}</b>
        <span>
          {t().severity[item.severity]} · {moment(item.since_ms, now.value, lang.value, zone.value)} · {words.lasted(lasting(item))}
          {item.acknowledged_ms !== null && ` · ${takenWords(item)}`}
        </span>
      </span>
      <State tone={toneOf(item)}>{words.state[item.state] ?? item.state}</State>
    </Link>
  );
}
