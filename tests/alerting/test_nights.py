"""Nights, holidays and small schools: whoever reads the way to the people as a sceptic."""

from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerting.notify.daily import DailyNote
from alerting.notify.oncall import on_call
from alerting.notify.quiet import inside
from caretaker.calendar import SchoolCalendar
from caretaker.clock import HOUR_MS, MINUTE_MS, from_ms, to_ms
from caretaker.config import (
    CalendarSettings,
    ChannelSettings,
    DeviceSettings,
    Person,
    QuietHours,
    Shift,
    SiteSettings,
    WatchdogSettings,
)
from tests.alerting.test_pipeline import ALL, FRIDGES, SITE, Make, hot, make, told, warm
from tests.faults.office import START_MS, Office

__all__ = ["make"]
BERLIN = ZoneInfo("Europe/Berlin")


def at(office: Office, hour: int, *, day: int = 0) -> None:
    """Move to an hour of a day in Shanghai; 2026-09-01 is a Tuesday."""
    office.clock.at_ms = START_MS + (hour - 8) * HOUR_MS + day * 24 * HOUR_MS


def test_critical_at_three_in_the_night_calls_at_once_and_the_leak_waits(make: Make) -> None:
    lamp = DeviceSettings("t:lamp", name="灯", role="room", building="d", interval_s=300)
    site = replace(SITE, devices=(*FRIDGES, lamp), quiet=QuietHours(time(22), time(6, 30)))
    office = make(site)
    at(office, 3)
    warm(office)
    assert told(office, "group")[0] == ("opened", ("138", "139"))
    assert told(office, "siren") == [("opened", ())]


def test_every_fridge_silent_in_the_night_is_told_as_critical(make: Make) -> None:
    office = make(replace(SITE, quiet=QuietHours(time(22), time(6, 30))))
    at(office, 1)
    for _ in range(3):
        office.send({d.key: 4.0 for d in FRIDGES})
        office.run(300, every=60)
    office.run(25 * 60, every=10)
    assert "opened" in [kind for kind, _ in told(office, "siren")]


def test_a_national_day_calls_the_level_though_nobody_is_on_shift(make: Make) -> None:
    shifts = (Shift(("wang",), "teaching", time(6), time(18)),)
    office = make(replace(SITE, shifts=shifts, calendar=CalendarSettings(country="CN")))
    at(office, 23, day=29)  # 30 September, an hour before the holiday
    warm(office, minutes=0)
    warm(office, minutes=50)
    groups = told(office, "group")
    assert groups[0] == ("opened", ("138", "139"))
    assert ("tier", ("137",)) in told(office, "sms")  # across midnight, into the holiday
    assert ("tier", ("136",)) in told(office, "sms")


def test_one_person_alone_is_called_again_at_each_level(make: Make) -> None:
    alone = (Person("wang", "王师傅", 1, {"group": "138"}),)
    office = make(replace(SITE, people=alone))
    warm(office, minutes=30)
    kinds = [kind for kind, numbers in told(office, "group") if numbers == ("138",)]
    assert kinds[0] == "opened"
    assert kinds.count("tier") == 2  # nobody stands above: the same one, not nobody
    assert "repeat" in kinds


def test_one_number_under_two_levels_is_called_at_both_and_once_a_message(make: Make) -> None:
    twice = (
        Person("wang", "王师傅", 1, {"group": "138"}),
        Person("wang2", "王主任", 2, {"group": "138"}),
        Person("li", "李", 3, {"group": "138"}),
    )
    office = make(replace(SITE, people=twice))
    warm(office, minutes=15)
    got = told(office, "group")
    assert got[0] == ("opened", ("138",))
    assert ("tier", ("138",)) in got


def test_what_was_held_overnight_begins_with_the_first_level_in_the_morning(make: Make) -> None:
    lamp = DeviceSettings("t:lamp", name="灯", role="room", building="d", interval_s=300)
    site = replace(
        SITE,
        devices=(lamp,),
        quiet=QuietHours(time(22), time(6, 30)),
        channels=tuple(replace(c, severities=ALL) for c in SITE.channels),
    )
    office = make(site)
    at(office, 0)
    office.send({"t:lamp": 20.0})
    office.run(6 * 60 * 60, every=60)
    (silent,) = [i for i in office.open_incidents() if i.rule == "device_silent"]
    office.journal.call(
        lambda c: c.execute("UPDATE incident SET severity = 'alarm' WHERE id = ?", (silent.id,))
    )
    office.engine.devices_changed()
    office.run(25 * 60, every=60)
    assert told(office, "group") == []
    office.run(10 * 60, every=10)
    assert told(office, "group") == [("opened", ("138",))]  # nobody had a chance to take it
    assert told(office, "sms") == []
    office.run(16 * 60, every=10)
    assert told(office, "group")[-1] == ("tier", ("139",))


@pytest.fixture(params=[(2026, 3, 29), (2026, 10, 25)], ids=["spring", "autumn"])
def night(request: pytest.FixtureRequest) -> int:
    """Midnight of a night in which the clocks change [ms UTC]."""
    year, month, day = request.param
    return to_ms(datetime(year, month, day, tzinfo=BERLIN).astimezone(UTC))


def test_a_night_in_which_clocks_change_has_no_hole(night: int) -> None:
    site = SiteSettings(
        zone=BERLIN,
        channels=(ChannelSettings("c", "console"),),
        people=tuple(Person(name, level=1, contacts={"c": ""}) for name in ("day", "night")),
        shifts=(
            Shift(("day",), "every", time(6), time(18)),
            Shift(("night",), "every", time(18), time(6)),
        ),
    )  # fmt: skip
    calendar = SchoolCalendar(site.calendar, site.zone)
    for minute in range(0, 10 * 60, 5):
        now_ms = night + minute * MINUTE_MS
        people, _ = on_call(site, calendar, levels=(1,), now_ms=now_ms)
        hour = from_ms(now_ms).astimezone(BERLIN).hour
        assert [p.id for p in people] == (["night"] if hour < 6 else ["day"])
        local = from_ms(now_ms).astimezone(BERLIN).time()
        assert inside(local, time(22), time(6)) == (hour < 6)


def test_the_daily_note_comes_once_in_a_night_in_which_clocks_change(
    tmp_path: Path, night: int
) -> None:
    site = SiteSettings(
        zone=BERLIN,
        channels=(ChannelSettings("c", "console", ALL),),
        watchdog=WatchdogSettings(daily_note=time(2, 30)),  # not there in spring, twice in autumn
    )
    office = Office(tmp_path / "j.sqlite3", site, secrets={})
    note: Any = DailyNote(office.journal, site, clock=office.clock)
    sent = 0
    for minute in range(0, 8 * 60, 10):
        office.clock.at_ms = night + minute * MINUTE_MS
        sent += note.look()
    assert sent == 1
    office.close()


def test_the_escalation_counts_minutes_not_the_wall_clock(make: Make, night: int) -> None:
    office = make(replace(SITE, zone=BERLIN))
    office.clock.at_ms = night + 115 * MINUTE_MS  # 01:55 before the clocks change
    warm(office, minutes=0)
    warm(office, minutes=10)
    warm(office, minutes=10)
    assert hot(office).severity.value == "critical"
    assert ("tier", ("137",)) in told(office, "sms")
    assert ("tier", ("136",)) in told(office, "sms")
