/** Devices that were heard and belong to nobody yet; one click takes them in. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { InboxItem, InboxList } from "../api/shapes";
import { refresh, useQuery } from "../state/query";
import { mayOperate, site } from "../state/site";
import { t } from "../texts";
import { InboxIcon } from "../ui/Icons";
import { pointName, valueText } from "../ui/points";
import { Age, Card, Empty, failureWords, Note, Page, Read } from "../ui/parts";
import { useChange } from "../ui/useChange";

export default function Inbox(): JSX.Element {
  const query = useQuery<InboxList>("/inbox", { on: ["inbox"], every_ms: 10_000 });
  const taken = useSignal("");
  const words = t().inbox;
  return (
    <Page title={words.title} lead={words.lead}>
      <div aria-live="polite">{taken.value !== "" && <Note>{words.adopted(taken.value)}</Note>}</div>
      <Read query={query}>
        {(data) =>
          data.items.length === 0 ? (
            <Card>
              <Empty icon={InboxIcon} title={words.empty}>
                <p>{words.emptyMore}</p>
              </Empty>
            </Card>
          ) : (
            <div class="grid">
              {data.items.map((item) => (
                <Heard key={item.id} item={item} onTaken={(name) => (taken.value = name)} />
              ))}
            </div>
          )
        }
      </Read>
    </Page>
  );
}
