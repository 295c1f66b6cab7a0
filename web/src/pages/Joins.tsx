/** The other ids a device sends under, as people said; each can be parted again. */
import type { JSX } from "preact";
import type { DeviceOut, Joins } from "../api/shapes";
import { moment } from "../format";
import { now } from "../state/live";
import { refresh, useQuery } from "../state/query";
import { lang } from "../state/settings";
import { mayOperate, zone } from "../state/site";
import { t } from "../texts";
import { Card, failureWords, Note } from "../ui/parts";
import { useChange } from "../ui/useChange";

export function Joined({ device }: { device: DeviceOut }): JSX.Element | null {
  const query = useQuery<Joins>("/joins");
  const { busy, failure, send } = useChange();
  const words = t().device;
  const mine = (query.data.value?.items ?? []).filter((item) => item.device === device.key);
  if (mine.length === 0) return null;
  const part = async (key: string) => {
    if (await send("DELETE", `/joins?key=${encodeURIComponent(key)}`)) {
      for (const path of ["/joins", "/inbox", `/devices/${device.id}`]) refresh(path);
    }
  };
  return (
    <Card title={words.joined}>
      <ul class="rows mappings">
        {mine.map((item) => (
          <li key={item.key}>
            <div class="mapping-head">
              <span>
                <code>{item.key}</code>
                <br />
                <span class="small faint">{words.joinedBy(item.author, moment(item.at_ms, now.value, lang.value, zone.value))}</span>
              </span>
              {mayOperate.value && (
                <button class="button" type="button" disabled={busy.value} onClick={() => void part(item.key)}>
                  {words.part}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      <p class="small faint">{words.partMore}</p>
      {failure.value !== undefined && <Note bad>{failureWords(failure.value, true)}</Note>}
    </Card>
  );
}
