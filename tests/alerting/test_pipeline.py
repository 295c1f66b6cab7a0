"""Who is told when, who is not, and why: stages, escalation, silences, in virtual time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from alerting.notify.links import Signer
from alerting.notify.oncall import on_call
from alerting.port import Notification, Notifier, Outcome
from caretaker.calendar import SchoolCalendar
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.config import (
    Building,
    Button,
    ChannelSettings,
    DeviceSettings,
    Person,
    QuietHours,
    Shift,
    SiteSettings,
)
from caretaker.vocabulary import Severity
from ingest.transport.port import Message
from storage import audit, incidents, silences
from tests.faults.office import START_MS, Office

ALL = ("notice", "alarm", "critical")
FRIDGES = tuple(
    DeviceSettings(f"t:f{n}", name=f"f{n}", role="fridge", building="c", interval_s=300)
    for n in range(4)
)
SITE = SiteSettings(
    buildings=(Building("c", "综合楼"),),
    channels=(
        ChannelSettings("group", "console", ALL),
        ChannelSettings("sms", "console", ALL),
        ChannelSettings("siren", "console", ("critical",)),
    ),
    people=(
        Person("wang", "王师傅", 1, {"group": "138", "sms": "138"}),
        Person("li", "李主任", 2, {"group": "139"}),
        Person("zhao", "赵总务", 3, {"sms": "137"}),
        Person("qian", "钱校长", 4, {"sms": "136"}),
    ),
    devices=FRIDGES,
)


class Told:
    """A channel that keeps what it was given, and says what it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.got: list[Notification] = []
        self.says = Outcome(delivered=True)

    def deliver(self, notification: Notification) -> Outcome:
        self.got.append(notification)
        return self.says


Make = Callable[..., Office]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Office] = []

    def build(site: SiteSettings = SITE) -> Office:
        made.append(Office(tmp_path / f"{len(made)}.sqlite3", site, secrets={}))
        listen(made[-1])
        return made[-1]

    yield build
    for office in made:
        assert office.journal.judge_failures == 0
        assert not office.engine.faults
        office.close()


def listen(office: Office) -> None:
    """Put ears in place of the channels."""
    ears: dict[str, Notifier] = {c.name: Told(c.name) for c in office.site.channels}
    office.courier._channels = ears


def told(office: Office, channel: str) -> list[tuple[str, tuple[str, ...]]]:
    ear: Any = office.courier._channels[channel]
    return [(n.kind, n.recipients) for n in ear.got]


def warm(office: Office, key: str = "t:f0", *, air_c: float = 14.0, minutes: int = 5) -> None:
    """Let one unit get warm in real time; the others stay well."""
    for _ in range(minutes // 5 + 1):
        office.send({d.key: air_c if d.key == key else 4.0 for d in FRIDGES})
        office.run(300, every=30)


def why(office: Office, incident: int) -> list[tuple[str, str, str, str]]:
    with office.journal.reader() as connection:
        rows = connection.execute(
            "SELECT occasion, stage, outcome, reason FROM decision WHERE incident = ? ORDER BY id",
            (incident,),
        )
        return [tuple(row) for row in rows]


def hot(office: Office) -> incidents.Incident:
    """Return the incident of the warm unit; other rules may have their own."""
    (found,) = (i for i in office.open_incidents() if i.rule == "cold_storage_warm")
    return found


def keep_warm(office: Office, minutes: int, key: str = "t:f0") -> None:
    warm(office, key, minutes=minutes - 5)


def test_critical_climbs_by_the_clock_until_somebody_takes_it(make: Make) -> None:
    office = make()
    warm(office)
    item = hot(office)
    assert told(office, "group")[0] == ("opened", ("138", "139"))  # levels 1 and 2, one message
    assert told(office, "siren") == [("opened", ())]
    keep_warm(office, 10)
    assert told(office, "sms") == [("tier", ("137",))]
    keep_warm(office, 10)
    assert told(office, "sms")[-1] == ("tier", ("136",))
    keep_warm(office, 10)
    assert ("repeat", ("138", "139")) in told(office, "group")
    assert len(told(office, "siren")) == 2  # once a call, not again at each level
    office.journal.call(
        lambda c: incidents.acknowledge(c, item.id, actor="wang", now_ms=office.clock.now_ms())
    )
    office.engine.devices_changed()
    before = len(told(office, "sms"))
    keep_warm(office, 40)
    assert len(told(office, "sms")) == before


def test_taken_and_still_bad_an_hour_later_calls_anew_across_a_restart(make: Make) -> None:
    office = make()
    warm(office)
    item = hot(office)
    office.journal.call(
        lambda c: incidents.acknowledge(c, item.id, actor="wang", now_ms=office.clock.now_ms())
    )
    office.close()
    office.open()
    listen(office)
    keep_warm(office, 55)
    assert told(office, "group") == []
    assert hot(office).acknowledged_by == "wang"
    keep_warm(office, 15)
    assert told(office, "group")[0] == ("reraised", ("138", "139"))
    assert hot(office).state == "firing"


def test_a_channel_that_fails_is_passed_over_after_five_minutes(make: Make) -> None:
    office = make()
    ear: Any = office.courier._channels["group"]
    ear.says = Outcome(delivered=False, retry=True, detail="down")
    warm(office)
    assert ("opened", ("138",)) in told(office, "sms")  # 5 min; 139 has no second channel
    refused: Any = make()
    refused.courier._channels["group"].says = Outcome(delivered=False, detail="410")
    refused.send({"t:f0": 14.0})
    refused.run(300, every=30)
    refused.send({"t:f0": 14.0})
    refused.run(20, every=5)
    assert told(refused, "sms")[0] == ("opened", ("138",))  # refused for good: at once


def test_without_a_table_every_channel_is_told_by_its_severities(make: Make) -> None:
    office = make(replace(SITE, people=()))
    warm(office, air_c=9.5, minutes=35)
    assert told(office, "siren") == []
    warm(office, air_c=9.5, minutes=60)
    assert [kind for kind, _ in told(office, "group")][:2] == ["opened", "escalated"]
    assert told(office, "siren")[0][0] == "escalated"


def test_shifts_and_holidays_decide_who_is_called() -> None:
    site = replace(
        SITE,
        people=(*SITE.people, Person("night", "夜班", 1, {"sms": "1"})),
        shifts=(
            Shift(("wang",), "teaching", time(6), time(18)),
            Shift(("night",), "every", time(18), time(6)),
        ),
    )
    calendar = SchoolCalendar(site.calendar, site.zone)

    def called(hour: int, *, day: int = 0, levels: tuple[int, ...] = (1,)) -> list[str]:
        at_ms = START_MS + (hour - 8) * HOUR_MS + day * 24 * HOUR_MS  # 2026-09-01 is a Tuesday
        return [p.id for p in on_call(site, calendar, levels=levels, now_ms=at_ms)[0]]

    assert called(9) == ["wang"]
    assert called(20) == ["night"]
    assert called(3) == ["night"]
    assert called(9, day=4) == ["wang", "night"]  # Saturday, nobody on shift: all of the level
    assert called(9, levels=(1, 2)) == ["wang", "li"]
    assert called(9, levels=(5,)) == ["qian"]  # nobody that high: the highest there is


def test_a_silence_has_an_author_a_reason_an_end_and_a_place_for_the_food(make: Make) -> None:
    office = make()
    now_ms = office.clock.now_ms()

    def add(**changes: Any) -> silences.Silence:
        words: dict[str, Any] = {
            "kind": "silence", "severity": Severity.CRITICAL, "author": "wang", "device": 1,
            "reason": "换压缩机", "ends_ms": now_ms + 2 * HOUR_MS, "now_ms": now_ms,
            "food_at": "2号冰箱",
        }  # fmt: skip
        return office.journal.call(lambda c: silences.add(c, **(words | changes)))

    for wrong in (
        {"food_at": " "}, {"reason": " "}, {"ends_ms": now_ms + 4 * HOUR_MS + 1},
        {"ends_ms": now_ms}, {"kind": "maintenance", "ends_ms": now_ms + 8 * HOUR_MS + 1},
        {"device": 0, "food_at": ""},
        {"device": 0, "building": "c", "food_at": ""},
        {"severity": Severity.ALARM, "ends_ms": now_ms + 24 * HOUR_MS + 1},
    ):  # fmt: skip
        with pytest.raises(silences.SilenceRefusedError):
            add(**wrong)
    made = add()
    office.engine.devices_changed()
    warm(office)
    item = hot(office)
    assert told(office, "group") == []
    assert why(office, item.id) == [("opened", "silence", "hold", "silence by wang: 换压缩机")]
    office.journal.call(
        lambda c: silences.end(c, made.id, actor="li", now_ms=office.clock.now_ms())
    )
    office.engine.devices_changed()
    office.run(30, every=5)
    assert told(office, "group")[0][0] == "opened"  # still wrong: told now
    with office.journal.reader() as connection:
        assert audit.verify(connection) == 0
        actions = [r[0] for r in connection.execute("SELECT action FROM audit ORDER BY id")]
    assert {"silence.begun", "silence.ended"} <= set(actions)


def test_quiet_hours_hold_what_can_wait_and_never_the_cold(make: Make) -> None:
    lamp = DeviceSettings("t:lamp", name="灯", role="room", building="d")
    site = replace(SITE, people=(), devices=(*FRIDGES, lamp), quiet=QuietHours(time(7), time(12)))
    office = make(site)
    warm(office, air_c=9.5, minutes=80)  # 08:00, a fridge's alarm passes, a silent lamp waits
    (silent,) = [i for i in office.open_incidents() if i.rule == "device_silent"]
    assert "escalated" in [kind for kind, _ in told(office, "group")]
    assert why(office, silent.id)[-1][1:3] == ("quiet", "hold")
    warm(office, key="", minutes=3 * 60)
    assert why(office, silent.id)[-1][1:3] == ("dedupe", "pass")  # told when they end


def test_what_was_over_before_anybody_could_be_told_is_only_logged(make: Make) -> None:
    office = make()
    for minutes in range(180, 120, -5):
        office.send({"t:f0": 9.5 if minutes < 175 else 4.0}, back_min=minutes)
    office.step(1)
    silent = [i for i in office.open_incidents() if i.rule == "cold_storage_warm"]
    assert all(why(office, i.id)[-1][1:3] == ("late", "drop") for i in silent)
    assert told(office, "group") == []


def test_the_end_is_told_to_those_who_were_told(make: Make) -> None:
    office = make()
    warm(office)
    for _ in range(30):
        office.send({d.key: 3.0 for d in FRIDGES})
        office.run(300, every=60)
    kind, numbers = told(office, "group")[-1]
    assert (kind, set(numbers)) == ("resolved", {"138", "139"})
    assert told(office, "siren")[-1] == ("resolved", ())
    item = hot(office)
    assert (item.state, item.proved) == ("recovering", 1)
    office.journal.call(
        lambda c: incidents.acknowledge(c, item.id, actor="wang", now_ms=office.clock.now_ms())
    )
    assert not [i for i in office.open_incidents() if i.rule == "cold_storage_warm"]


def test_a_button_takes_on_what_calls_and_an_old_press_does_nothing(make: Make) -> None:
    from alerting.notify.buttons import Buttons

    site = replace(SITE, buttons=(Button("z/button", "wang", "single", "c"),))
    office = make(site)
    warm(office)
    buttons = Buttons(office.journal, site, clock=office.clock)
    press = buttons.commands()["z/button"]
    press(Message("z/button", b'{"action":"single"}', 0, 1, True))  # retained
    press(Message("z/button", b'{"action":"double"}', 0))
    assert hot(office).state == "firing"
    press(Message("z/button", b'{"action":"single"}', 0))
    item = hot(office)
    assert (item.state, item.acknowledged_by) == ("acknowledged", "wang")


def test_a_link_is_good_for_one_incident_and_a_day(make: Make) -> None:
    office = make()
    signer = Signer.of("secret", clock=office.clock)
    token = signer.sign(7, "wang")
    grant = signer.read(token)
    assert grant is not None
    assert (grant.incident, grant.person) == (7, "wang")
    for index in range(len(token)):
        forged = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
        found = signer.read(forged)
        assert found is None or found == grant  # the last character holds unused bits
    assert Signer.of("other", clock=office.clock).read(token) is None
    for wrong in ("", "x", "é" * 20, "A" * 5_000, token + "=="):
        assert signer.read(wrong) is None or wrong.startswith(token)
    office.clock.advance(24 * 60 * MINUTE_MS)
    assert signer.read(token) is None


def test_many_at_once_share_a_digest_that_names_each(make: Make) -> None:
    office = make(replace(SITE, people=()))
    for _ in range(2):
        office.send({d.key: 14.0 for d in FRIDGES})
        office.clock.advance(5 * MINUTE_MS)
        office.journal.append([])
    office.courier.deliver_due()
    ear: Any = office.courier._channels["group"]
    (digest,) = ear.got
    assert digest.kind == "digest"
    assert [f"f{n}温度" in digest.body for n in range(4)] == [True] * 4
    assert digest.title == "4 件事需要处理"


def test_every_decision_is_explained_as_data(make: Make) -> None:
    office = make()
    warm(office)
    item = hot(office)
    with office.journal.reader() as connection:
        row = connection.execute(
            "SELECT rulings FROM decision WHERE incident = ? ORDER BY id", (item.id,)
        ).fetchone()
    rulings = json.loads(row[0])
    assert [r["stage"] for r in rulings] == [
        "late", "inhibit", "silence", "quiet", "dedupe", "route", "group",
    ]  # fmt: skip
    route = next(r for r in rulings if r["stage"] == "route")
    assert route["detail"]["to"] == ["siren", "group/wang", "group/li"]
    assert route["reason"] == "level 1: on call; level 2: on call"
