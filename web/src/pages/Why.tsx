/** Why people were told of an incident, or not: every decision with its steps. */
import type { JSX } from "preact";
import type { Why as WhyData } from "../api/shapes";
import { instant } from "../format";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";

export function Why({ incident }: { incident: number }): JSX.Element | null {
  const query = useQuery<WhyData>(`/incidents/${incident}/why`, { on: ["incident"] });
  const words = t().why;
  const data = query.data.value;
  if (data === undefined) return null;
  return (
    <details class="why">
      <summary class="small quiet">{words.title}</summary>
      {data.decisions.length === 0 ? (
        <p class="quiet">{words.none}</p>
      ) : (
        <ol class="timeline">
          {data.decisions.map((decision, index) => (
            <li key={index}>
              <b>
                {t().incidents.notification[decision.occasion] ?? decision.occasion} · {words.outcome[decision.outcome] ?? decision.outcome}
              </b>
              <span class="quiet small">{instant(decision.at_ms, lang.value, zone.value)}</span>
                <ul class="plain small">
                  {decision.rulings.map((ruling, at) => (
                    <li key={at}>
                      {words.stage[ruling.stage] ?? ruling.stage}
                      {t().colon}
                      {words.outcome[ruling.outcome] ?? ruling.outcome}
                      {ruling.reason !== "" && ruling.outcome !== "pass" && <span class="faint" lang="en"> · {ruling.reason}</span>}
                    </li>
                  ))}
                </ul>
            </li>
          ))}
        </ol>
      )}
    </details>
  );
}
