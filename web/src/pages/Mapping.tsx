/** Topics no driver knows: a person says what stands where, sees what comes of it, and keeps it. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { MappingIn, Mappings, MappingTopic } from "../api/shapes";
import { refresh, useQuery } from "../state/query";
import { mayOperate } from "../state/site";
import { t } from "../texts";
import { Age, Card, failureWords, Note } from "../ui/parts";
import { useChange } from "../ui/useChange";
import { Explain } from "./MappingForm";

/** The part of the inbox for messages that nobody understands; nothing when there are none. */
export function Unexplained(): JSX.Element | null {
  const query = useQuery<Mappings>("/mappings", { on: ["inbox", "quarantine"], every_ms: 15_000 });
  const said = useSignal("");
  const words = t().mapping;
  const data = query.data.value;
  if (data === undefined || (data.waiting.length === 0 && data.items.length === 0)) return null;
  return (
    <section class="unexplained" data-testid="unexplained">
      {data.waiting.length > 0 && (
        <header>
          <h2>{words.title}</h2>
          <p class="quiet">{words.lead}</p>
        </header>
      )}
      <div aria-live="polite">{said.value !== "" && <Note>{said.value}</Note>}</div>
      {data.waiting.map((item) => (
        <Waiting key={item.topic} item={item} known={data} onKept={(text) => (said.value = text)} />
      ))}
      {data.items.length > 0 && <Kept known={data} onKept={(text) => (said.value = text)} />}
    </section>
  );
}

interface WaitingProps {
  item: MappingTopic;
  known: Mappings;
  onKept: (text: string) => void;
}

/** A short name out of the topic's last levels that no mapping has yet. */
function freeName(topic: string, taken: string[]): string {
  const plain = topic.split("/").slice(-2).join("-").toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+|-+$/g, "");
  const name = plain.slice(0, 36) || "mapping";
  for (let number = 1; ; number += 1) {
    const found = number === 1 ? name : `${name}-${number}`;
    if (!taken.includes(found)) return found;
  }
}

function draftOf(item: MappingTopic, known: Mappings): MappingIn {
  return {
    name: freeName(item.topic, known.items.map((kept) => kept.name)),
    topic: item.topic,
    device: item.topic.split("/").slice(-2).join("/"),
    device_at: "",
    time_at: "",
    zone: "",
    separator: item.separator as MappingIn["separator"],
    decimal: item.decimal as MappingIn["decimal"],
    adds: item.reason === "unit-missing",
    fields: [],
  };
}

function Waiting({ item, known, onKept }: WaitingProps): JSX.Element {
  const words = t().mapping;
  const open = useSignal(false);
  return (
    <Card title={<code>{item.topic}</code>} aside={t().quarantine.reason[item.reason]?.short ?? item.reason}>
      <p class="small faint">
        {words.count(`${item.count}`)} <Age at_ms={item.last_ms} />
      </p>
      {!open.value && <pre class="raw">{item.payload}</pre>}
      {mayOperate.value &&
        (open.value ? (
          <Explain
            start={draftOf(item, known)}
            leaves={item.leaves}
            payload={item.payload}
            quantities={known.quantities}
            send={{ method: "POST", path: "/mappings" }}
            onKept={(name) => onKept(words.kept(name, `${item.count}`))}
            onLess={() => (open.value = false)}
          />
        ) : (
          <div class="buttons">
            <button class="button primary" type="button" data-testid="explain" onClick={() => (open.value = true)}>
              {words.begin}
            </button>
          </div>
        ))}
    </Card>
  );
}

function Kept({ known, onKept }: { known: Mappings; onKept: (text: string) => void }): JSX.Element {
  const words = t().mapping;
  const { busy, failure, send } = useChange();
  const changing = useSignal("");
  const removing = useSignal("");
  const remove = async (name: string) => {
    if (await send("DELETE", `/mappings/${name}`)) refresh("/mappings");
    removing.value = "";
  };
  return (
    <Card title={words.mine}>
      <ul class="rows mappings">
        {known.items.map((item) => (
          <li key={item.name}>
            <div class="mapping-head">
              <span>
                <strong>{item.name}</strong> <code>{item.topic}</code>
                <br />
                <span class="small faint">
                  {item.at_ms === 0 ? words.byFile : words.by(item.author)} · {readsOf(item)}
                </span>
              </span>
              {mayOperate.value && item.at_ms !== 0 && changing.value !== item.name && (
                <span class="buttons">
                  <button class="button" type="button" data-testid={`change-${item.name}`} onClick={() => (changing.value = item.name)}>
                    {words.change}
                  </button>
                  {removing.value === item.name ? (
                    <button class="button danger" type="button" disabled={busy.value} data-testid="remove-really" onClick={() => void remove(item.name)}>
                      {words.removeReally}
                    </button>
                  ) : (
                    <button class="button" type="button" data-testid={`remove-${item.name}`} onClick={() => (removing.value = item.name)}>
                      {words.remove}
                    </button>
                  )}
                </span>
              )}
            </div>
            {removing.value === item.name && <p class="small quiet">{words.removeMore}</p>}
            {changing.value === item.name && (
              <Explain
                start={item}
                leaves={[]}
                payload=""
                quantities={known.quantities}
                send={{ method: "PUT", path: `/mappings/${item.name}` }}
                onKept={(name) => {
                  changing.value = "";
                  onKept(words.changed(name));
                }}
                onLess={() => (changing.value = "")}
              />
            )}
          </li>
        ))}
      </ul>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </Card>
  );
}

/** What a mapping reads, in short: 温度 [°C]、电量 [kWh]. */
function readsOf(mapping: MappingIn): string {
  const words = t();
  return mapping.fields
    .map((field) => {
      const what = words.quantity[field.quantity] ?? field.quantity;
      return field.unit === "" || field.unit === "1" || field.unit === "*" ? what : `${what} [${field.unit}]`;
    })
    .join(words.listComma);
}
