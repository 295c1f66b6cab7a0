"""The clock is set back or ahead: nobody is called later for it, and nobody in vain (D17, F17)."""

import json
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from alerting.notify.daily import DailyNote
from alerting.port import Outcome
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock, StepSensor
from caretaker.config import SiteSettings, WatchdogSettings
from caretaker.vocabulary import Arrival, Measured, Quality, Severity
from storage import incidents, lease, silences
from storage.connection import open_writer
from tests.alerting.test_pipeline import Make, hot, listen, make, told, warm
from tests.faults.office import START_MS, Office

__all__ = ["make"]
STEPS = pytest.mark.parametrize("by_ms", [HOUR_MS, DAY_MS, START_MS], ids=["1h", "1d", "1970"])


def own_time(office: Office, values: dict[str, float]) -> None:
    """Let devices send that have no clock: their readings bear the time of receipt."""
    now_ms = office.clock.now_ms()
    office.journal.append(
        [
            Arrival("t", f"{key}{now_ms}".encode(), now_ms, key, "t",
                    (Measured("air", "temperature", now_ms, value, Quality.NO_CLOCK),))
            for key, value in values.items()
        ]
    )  # fmt: skip


def spell(office: Office, value: float, *, minutes: int) -> None:
    for _ in range(minutes // 5):
        own_time(office, {"t:f0": value})
        office.run(300, every=30)


@pytest.mark.parametrize("restart", [False, True], ids=["on", "restart"])
@STEPS
def test_the_escalation_goes_on_when_the_clock_is_set_back(
    make: Make, by_ms: int, restart: bool
) -> None:
    office = make()
    warm(office)
    assert told(office, "group")[0] == ("opened", ("138", "139"))
    office.clock.at_ms -= by_ms - 1
    if restart:
        office.close()
        office.open()
        listen(office)
    office.run(11 * 60, every=10)
    assert ("tier", ("137",)) in told(office, "sms")
    office.run(11 * 60, every=10)
    assert told(office, "sms")[-1] == ("tier", ("136",))
    before = len(told(office, "group"))
    office.run(12 * 60, every=10)
    assert len(told(office, "group")) == before + 1  # the repeat, once
    assert hot(office).raised_ms <= office.clock.now_ms()


@STEPS
def test_what_is_tried_again_later_is_not_tried_a_day_later(make: Make, by_ms: int) -> None:
    office = make()
    ear: Any = office.courier._channels["siren"]
    ear.says = Outcome(delivered=False, retry=True, retry_after_s=600, detail="429")
    warm(office)
    tries = len(ear.got)
    assert tries
    office.clock.at_ms -= by_ms - 1
    ear.says = Outcome(delivered=True)
    office.run(60, every=5)
    assert len(ear.got) == tries + 1


@STEPS
def test_taken_by_a_clock_ahead_it_is_raised_again_within_the_hour(make: Make, by_ms: int) -> None:
    office = make()
    warm(office)
    number = hot(office).id
    office.journal.call(
        lambda c: incidents.acknowledge(c, number, actor="wang", now_ms=office.clock.now_ms())
    )
    office.engine.devices_changed()
    office.run(30)
    office.clock.at_ms -= by_ms - 1
    office.run(59 * 60, every=30)
    assert hot(office).acknowledged_by == "wang"
    office.run(2 * 60, every=10)
    assert told(office, "group")[-1] == ("reraised", ("138", "139"))


@STEPS
def test_a_silence_begun_by_a_clock_ahead_holds_nobody_up(make: Make, by_ms: int) -> None:
    office = make()
    now_ms = office.clock.now_ms()
    office.journal.call(
        lambda c: silences.add(
            c, kind="silence", severity=Severity.CRITICAL, author="wang", device=1, reason="x",
            ends_ms=now_ms + 4 * HOUR_MS, now_ms=now_ms, food_at="2号冰箱",
        )
    )  # fmt: skip
    office.clock.at_ms -= by_ms - 1
    warm(office)
    assert told(office, "group")[0][0] == "opened"


def test_a_silence_whose_end_has_passed_holds_nobody_up(make: Make) -> None:
    office = make()
    now_ms = office.clock.now_ms()
    office.journal.call(
        lambda c: silences.add(
            c, kind="silence", severity=Severity.CRITICAL, author="wang", device=1, reason="x",
            ends_ms=now_ms + 12 * MINUTE_MS, now_ms=now_ms, food_at="2号冰箱",
        )
    )  # fmt: skip
    warm(office)
    assert told(office, "group") == []
    office.run(6 * 60, every=5)
    assert told(office, "group")[0][0] == "opened"  # at its end, though nothing else happened


@STEPS
def test_the_newest_value_is_not_hidden_by_one_from_the_future(make: Make, by_ms: int) -> None:
    office = make()
    own_time(office, {"t:f0": 4.0})
    office.clock.at_ms -= by_ms - 1
    own_time(office, {"t:f0": 14.0})
    (latest,) = office.journal.latest([1]).values()
    assert latest.value == 14.0


@pytest.mark.parametrize("restart", [False, True], ids=["on", "restart"])
@STEPS
def test_a_fridge_without_a_clock_is_alerted_of_after_the_step(
    make: Make, by_ms: int, restart: bool
) -> None:
    office = make()
    spell(office, 4.0, minutes=30)
    office.clock.at_ms -= by_ms - 1
    if restart:
        office.close()
        office.open()
        listen(office)
    spell(office, 10.0, minutes=45)
    assert hot(office).severity is Severity.ALARM
    assert "opened" in [kind for kind, _ in told(office, "group")]


@pytest.mark.parametrize("restart", [False, True], ids=["on", "restart"])
@STEPS
def test_silence_is_seen_after_the_step_back(make: Make, by_ms: int, restart: bool) -> None:
    office = make()
    spell(office, 4.0, minutes=30)
    office.clock.at_ms -= by_ms - 1
    if restart:
        office.close()
        office.open()
        listen(office)
    office.run(25 * 60, every=10)
    assert [i for i in office.open_incidents() if i.rule == "device_silent" and i.device == 1]


@pytest.mark.parametrize("by_ms", [-DAY_MS, -HOUR_MS, HOUR_MS, DAY_MS])
def test_a_step_while_it_recovers_neither_ends_it_early_nor_for_ever(
    make: Make, by_ms: int
) -> None:
    office = make()
    spell(office, 4.0, minutes=20)
    spell(office, 14.0, minutes=15)
    assert hot(office).state == "firing"
    while hot(office).state != "recovering":
        spell(office, 3.0, minutes=5)
    good = hot(office).good
    office.clock.at_ms += by_ms
    office.run(10, every=5)
    assert hot(office).good == good  # time alone proves nothing
    assert not hot(office).proved
    spell(office, 3.0, minutes=25)
    assert hot(office).proved


@pytest.mark.parametrize("by_ms", [HOUR_MS, DAY_MS, 400 * DAY_MS])
def test_a_step_ahead_makes_no_device_silent_that_speaks(make: Make, by_ms: int) -> None:
    office = make()
    steps: list[int] = []
    office.engine._steps = lambda: steps.pop() if steps else 0
    for _ in range(4):
        office.send({f"t:f{n}": 4.0 for n in range(4)})
        office.run(300, every=30)
    office.clock.at_ms += by_ms  # the first reading of a time server after a power cut
    steps.append(by_ms)
    for _ in range(6):
        office.run(150, every=5)
        office.send({f"t:f{n}": 4.0 for n in range(4)})
        office.run(150, every=5)
    assert told(office, "group") == told(office, "sms") == []
    office.run(20 * 60, every=10)  # and who is silent from then on is found
    assert {i.rule for i in office.open_incidents()} >= {"device_silent", "units_unmonitored"}


def test_a_dead_leader_is_not_waited_for_longer_than_its_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_writer(tmp_path / "j.sqlite3")
    now = [START_MS]
    monkeypatch.setattr(lease, "_now_ms", lambda: now[0])
    lease.take(connection, locked=False)
    with pytest.raises(lease.LedError):
        lease.take(connection, locked=False)
    now[0] -= HOUR_MS  # and the leader dies; nobody renews
    assert lease.expired(connection)
    assert lease.take(connection, locked=False) == 2
    now[0] += lease.TTL_MS
    assert lease.expired(connection)
    connection.close()


def test_a_note_sent_by_a_wrong_year_keeps_none_back(make: Make) -> None:
    site = SiteSettings(name="梧桐小学", watchdog=WatchdogSettings(daily_note=time(7, 30)))
    office = make(site)
    note = DailyNote(office.journal, site, clock=office.clock)
    office.clock.at_ms = START_MS + 4000 * DAY_MS
    assert note.look()
    office.clock.at_ms = START_MS
    assert note.look()
    assert not note.look()
    office.clock.at_ms += DAY_MS
    assert note.look()


def test_a_slewed_clock_is_no_step_and_a_fast_one_neither() -> None:
    class Fast(ManualClock):
        speed = 60.0

    passed = [0.0]
    clock = Fast(START_MS)
    sensor = StepSensor(clock, monotonic=lambda: passed[0])
    for _ in range(100):
        passed[0] += 1.0
        clock.advance(60_300)
        assert sensor.look() == 0
    clock.advance(DAY_MS)
    assert sensor.look() == DAY_MS
    clock.speed = 1.0
    assert sensor.look() == 0  # another pace is none either
    clock.advance(DAY_MS)
    assert sensor.look() == DAY_MS


def test_what_people_were_told_follows_the_raise(make: Make) -> None:
    office = make()
    warm(office)
    office.clock.at_ms -= DAY_MS
    office.run(20, every=5)
    item = hot(office)
    with office.journal.reader() as connection:
        row = connection.execute("SELECT told FROM incident WHERE id = ?", (item.id,)).fetchone()
    assert json.loads(row[0])["raised"] == item.raised_ms
    assert [kind for kind, _ in told(office, "group")] == ["opened"]  # not told anew for it
