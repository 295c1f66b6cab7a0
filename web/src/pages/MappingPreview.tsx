/** What a mapping, as far as it is said, makes of the last messages. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { change, Failure } from "../api/client";
import type { MappingIn, MappingPreview } from "../api/shapes";
import { clockTime } from "../format";
import { lang } from "../state/settings";
import { zone } from "../state/site";
import { t } from "../texts";
import { Age, failureWords, Note } from "../ui/parts";
import { valueText } from "../ui/points";

const PREVIEW_MS = 400;

/** A place in a message, and what stands there. */
export interface Leaf {
  path: string;
  value: string;
}

interface Tried {
  found?: MappingPreview;
  failure?: Failure;
}

/** Asks what a mapping would make of the last messages, soon after the last key. */
export function usePreview(body: MappingIn, leaves: Signal<Leaf[]>): Signal<Tried> {
  const tried = useSignal<Tried>({});
  const asked = body.name !== "" && body.topic !== "" ? JSON.stringify(body) : "";
  useEffect(() => {
    tried.value = {};
    if (asked === "") return undefined;
    let current = true;
    const timer = setTimeout(() => {
      change<MappingPreview>("POST", "/mappings/preview", JSON.parse(asked))
        .then((found) => {
          if (!current) return;
          tried.value = { found };
          if (found.leaves.length > 0) leaves.value = found.leaves;
        })
        .catch((error: unknown) => {
          if (current) tried.value = { failure: error instanceof Failure ? error : new Failure(0, "offline", "") };
        });
    }, PREVIEW_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [asked, tried, leaves]);
  return tried;
}

export function Preview({ preview, asked, timed }: { preview: Signal<Tried>; asked: boolean; timed: boolean }): JSX.Element | null {
  const words = t().mapping;
  const { found, failure } = preview.value;
  if (failure !== undefined) return <Note bad>{failureWords(failure, true)}</Note>;
  if (!asked) return null;
  if (found === undefined) return <p class="small faint">{t().loading}</p>;
  return (
    <div aria-live="polite" data-testid="mapping-preview">
      <p>
        {found.messages.length === 0 ? words.noMessages : words.preview}
        {found.messages.length > 0 && !found.usable && ` ${words.none}`}
      </p>
      <ul class="trials">
        {found.messages.slice(0, 5).map((message, index) => (
          <Trial key={index} message={message} timed={timed} />
        ))}
      </ul>
    </div>
  );
}

function Trial({ message, timed }: { message: MappingPreview["messages"][number]; timed: boolean }): JSX.Element {
  const words = t().mapping;
  const when = message.readings[0];
  return (
    <li>
      <span class="small faint">
        <Age at_ms={message.at_ms} />
      </span>
      {message.readings.map((reading, at) => (
        <span key={at}>
          {reading.device.replace(/^mapped:/, "")} · {t().quantity[reading.quantity] ?? reading.quantity}
          {reading.channel !== "" && t().bracket(reading.channel)} <strong>{valueText(reading.quantity, reading.value, reading.unit)}</strong>
        </span>
      ))}
      {timed && when !== undefined && (
        <span class={when.own_time ? "small faint" : "refused"}>
          {when.own_time ? words.measuredAt(clockTime(when.at_ms, lang.value, zone.value, true)) : words.noTime}
        </span>
      )}
      {message.refused.map((why, at) => (
        <span key={at} class="refused" title={why.detail}>
          {t().quarantine.reason[why.reason]?.long ?? why.reason}
          {t().bracket(why.detail)}
        </span>
      ))}
    </li>
  );
}
