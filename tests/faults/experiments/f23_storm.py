"""F23: five hundred devices cross their limit at once; robots ban at twenty messages a minute."""

import json
from collections import Counter
from pathlib import Path

from caretaker.config import ChannelSettings, DeviceSettings, SiteSettings
from tests.contract.channel_servers import HttpService
from tests.faults.office import Office
from tests.faults.result import Result

NAME = "F23"
TITLE = "storm: 500 devices at once"
_DEVICES = 500
_CRITICAL = 20
_PER_MIN = 18


def run(folder: Path, *, full: bool) -> Result:
    """Every incident is named, the critical in the first digest, at most 18 messages a minute."""
    del full
    folder.mkdir(parents=True, exist_ok=True)
    result = Result(NAME, TITLE)
    service = HttpService("ok")
    site = SiteSettings(
        channels=(
            ChannelSettings("robot", "wecom", options={
                "url": f"http://127.0.0.1:{service.port}/", "allow_private": True}),
        ),
        devices=tuple(
            DeviceSettings(f"t:f{n}", name=f"柜{n}号", role="fridge", interval_s=300)
            for n in range(_DEVICES)
        ),
    )  # fmt: skip
    office = Office(folder / "j.sqlite3", site, secrets={"robot": "key"})
    # Most are in alarm after half an hour a little too warm; a few are hot and critical at once.
    keys = [device.key for device in site.devices]
    hot = set(keys[-_CRITICAL:])
    for back in range(45, -1, -5):
        warm = dict.fromkeys(keys, 9.5 if back <= 35 else 4.0)
        warm |= {key: 14.0 for key in hot if back <= 5}
        office.send(warm, back_min=back)
    began_ms = office.clock.now_ms()
    sent_ms: list[int] = []
    grave_s = 0.0
    for _ in range(600):
        before = len(service.got)
        office.step(1)
        sent_ms += [office.clock.now_ms()] * (len(service.got) - before)
        if not grave_s and _grave_told(service):
            grave_s = (office.clock.now_ms() - began_ms) / 1000
        with office.journal.reader() as connection:
            row = connection.execute(
                "SELECT count(*) FROM outbox WHERE state = 'waiting'"
            ).fetchone()
        if not row[0]:
            break
    result.worst_s = (office.clock.now_ms() - began_ms) / 1000
    result.late += grave_s == 0.0 or grave_s > 60.0  # the critical ones
    texts = [json.loads(body)["text"]["content"] for _, _, body in service.got]
    named, order = _named(texts, site)
    result.count(keys, named)
    result.messages = len(texts)
    worst = max((sum(t - 60_000 < s <= t for s in sent_ms) for t in sent_ms), default=0)
    if worst > _PER_MIN:
        result.problems.append(f"{worst} messages within a minute")
    first_plain = min((order[key] for key in keys if key not in hot and key in order), default=0)
    if any(order.get(key, 10**9) > first_plain for key in hot):
        result.problems.append("a critical one came after an alarm")
    if any(len(text.encode()) > 2048 for text in texts):
        result.problems.append("a text longer than the robot takes")
    result.note = f"at most {worst} messages a minute"
    office.close()
    service.stop()
    return result


def _grave_told(service: HttpService) -> bool:
    """Whether every critical one was named."""
    text = "".join(json.loads(body)["text"]["content"] for _, _, body in service.got)
    return all(f"柜{n}号温" in text for n in range(_DEVICES - _CRITICAL, _DEVICES))


def _named(texts: list[str], site: SiteSettings) -> tuple[Counter[str], dict[str, int]]:
    """Return how often each device was named, and in which message first."""
    named: Counter[str] = Counter()
    order: dict[str, int] = {}
    for index, text in enumerate(texts):
        for device in site.devices:
            if f"{device.name}温" in text:
                named[device.key] += 1
                order.setdefault(device.key, index)
    return named, order
