"""One cause, one incident: many devices of one place, and one that cannot decide."""

import sqlite3
from dataclasses import replace
from typing import Any

from alerting.notify.inhibit import inhibit
from alerting.notify.port import Matter, World
from alerting.site_causes import SiteCauses
from caretaker.calendar import SchoolCalendar
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Severity
from storage import incidents
from tests.alerting.test_pipeline import FRIDGES, SITE, Make, make, told, warm, why
from tests.faults.office import START_MS

__all__ = ["make"]  # a fixture


def test_one_cause_of_many_silent_devices_speaks_for_them(make: Make) -> None:
    office = make()
    warm(office, key="", minutes=5)
    office.send(dict.fromkeys(["t:f0"], 14.0))
    office.run(300, every=30)
    office.send(dict.fromkeys(["t:f0"], 14.0))
    office.run(20 * 60, every=10)
    opened = {(i.rule, i.device): i for i in office.open_incidents()}
    site = opened["units_unmonitored", 0]
    assert (site.severity.value, site.scope) == ("critical", "building:c")
    assert site.evidence["cold_units"] == 4
    assert {i.device for i in opened.values() if i.rule == "device_silent"} == {1, 2, 3, 4}
    assert why(office, opened["device_silent", 2].id)[-1][1:3] == ("inhibit", "hold")
    ear: Any = office.courier._channels["group"]
    titles = [n.title for n in ear.got]
    assert sum("台冷柜没有监测" in title and "综合楼" in title for title in titles) == 1
    assert sum("没有数据" in title for title in titles) == 0
    # Food temperature is never inhibited.
    assert opened["cold_storage_warm", 1].state == "firing"
    assert ("opened", ("138", "139")) in told(office, "group")
    for _ in range(6):
        office.send({d.key: 4.0 for d in FRIDGES})
        office.run(300, every=30)
    found = {i.rule: i.state for i in office.open_incidents()}
    assert found.get("units_unmonitored") == "recovering"  # until somebody has noted it


def test_two_units_without_power_are_one_power_cut() -> None:
    silent = DeviceStatus.ADOPTED
    devices = {
        n: Device(n, f"t:{n}", "t", silent, role=DeviceRole.FRIDGE, building="c" if n < 4 else "d")
        for n in range(1, 6)
    }

    def cut(number: int, severity: Severity = Severity.ALARM) -> incidents.Incident:
        return incidents.Incident(
            number, f"cold_power_cut:{number}", "cold_power_cut", "1", number, severity, "firing",
            START_MS, START_MS, None, "", None, None,
        )  # fmt: skip

    assert SiteCauses().look([cut(1)], devices, now_ms=START_MS) == []
    (change,) = SiteCauses().look([cut(1), cut(2)], devices, now_ms=START_MS)
    assert (change.rule, change.scope, change.evidence["cold_units"]) == (
        "power_cut", "building:c", 2,
    )  # fmt: skip
    (both,) = SiteCauses().look([cut(1), cut(2), cut(4), cut(5)], devices, now_ms=START_MS)
    assert both.scope == "site:"
    source = incidents.Incident(
        9, "power_cut:building:c", "power_cut", "1", 0, Severity.CRITICAL, "firing", START_MS,
        START_MS, None, "", None, None, {}, "site", "building:c",
    )  # fmt: skip
    world = World(
        sqlite3.connect(":memory:"), SITE, SchoolCalendar(SITE.calendar, SITE.zone), {9: source},
        devices,
    )  # fmt: skip
    held = inhibit(Matter(cut(1), "opened", START_MS, devices[1]), world)
    assert (held.outcome, held.detail) == ("hold", {"incident": 9, "rule": "power_cut"})
    grave = Matter(cut(1, Severity.CRITICAL), "opened", START_MS, devices[1])
    assert inhibit(grave, world).outcome == "pass"  # food in danger speaks for itself
    assert inhibit(Matter(cut(4), "opened", START_MS, devices[4]), world).outcome == "pass"


def test_a_flapping_cause_becomes_one_that_says_so(make: Make) -> None:
    office = make(replace(SITE, people=()))
    for _ in range(6):
        office.run(17 * 60 - 30, every=30)
        office.send({"t:f0": 4.0})  # heard for a moment, then silent again
        office.send({d.key: 4.0 for d in FRIDGES[1:]})
        office.run(30, every=30)
    unstable = [i for i in office.open_incidents() if i.rule == "unstable"]
    with office.journal.reader() as connection:
        count = connection.execute(
            "SELECT count(*) FROM incident_event AS e JOIN incident AS i ON i.id = e.incident"
            " WHERE i.rule = 'device_silent' AND i.device = 1 AND e.kind IN ('opened', 'relapsed')"
        ).fetchone()[0]
    assert count >= 4
    assert len([i for i in unstable if i.device == 1]) == 1
