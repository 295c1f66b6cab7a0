"""A rehearsal says what live judging said, by the same step, and what other numbers would say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.parameters import Setting
from alerting.rehearse import Rehearsal, rehearse
from caretaker.clock import DAY_MS
from tests.alerting.kitchen import START_MS, At, Kitchen, Tap

WARM = "cold_storage_warm"


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    made = Kitchen(tmp_path / "j.sqlite3")
    yield made
    made.close()


def run(kitchen: Kitchen, rule: str, *settings: Setting) -> Rehearsal:
    (wanted,) = [r for r in kitchen.engine.rules if r.name == rule]
    with kitchen.journal.reader() as connection:
        return rehearse(
            connection,
            wanted,
            site=kitchen.site,
            start_ms=START_MS - DAY_MS,
            end_ms=kitchen.clock.now_ms(),
            settings=settings,
        )


def test_it_says_what_was_said_live_and_during_what(kitchen: Kitchen) -> None:
    events: list[At | Tap] = [At(0, air=4.0, food=4.0), At(0, "door", door=0.0)]
    for turn in range(3):
        at = 60 + 240 * turn
        events += [At(at, air=9.0), At(at + 40, air=4.0)]
    events += [Tap(290, "receiving", lasts=2)]  # ended at once, the alarm was during the delivery
    events += [At(545, "door", door=1.0), At(570, "door", door=0.0)]
    seen = kitchen.live(*sorted(events, key=lambda e: e.minute), until=800)
    found = run(kitchen, WARM)
    opened = [line.minute for line in seen.of(WARM) if line.kind in {"opened", "relapsed"}]
    assert [round((a.at_ms - START_MS) / 60_000) for a in found.alerts] == opened
    assert [a.circumstance for a in found.alerts] == ["none", "receiving", "door_open"]
    assert found.by_month(kitchen.site) == {"2026-09": {"none": 1, "receiving": 1, "door_open": 1}}


def test_proposed_numbers_are_tried_and_nothing_is_written(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0, food=4.0), At(60, air=9.0), At(100, air=4.0), until=200)
    before = kitchen.path.stat().st_size, len(kitchen.seen().lines)
    slow = Setting("try", WARM, numbers={"notice_min": 50.0, "alarm_min": 60.0})
    assert len(run(kitchen, WARM).alerts) == 1
    assert len(run(kitchen, WARM, slow).alerts) == 0
    assert run(kitchen, WARM, Setting("off", WARM, on=False)).devices == 0
    assert (kitchen.path.stat().st_size, len(kitchen.seen().lines)) == before


@pytest.mark.parametrize("rule", ["device_silent", "cold_door_open", "food_hold"])
def test_rules_that_time_decides_rehearse_too(kitchen: Kitchen, rule: str) -> None:
    seen = kitchen.live(
        At(0, air=4.0, food=4.0), At(0, "door", door=0.0), At(20, "door", door=1.0),
        At(35, "door", door=0.0), At(60, air=None, food=None), At(120, air=9.0, food=9.0),
        until=300,
    )  # fmt: skip
    found = run(kitchen, rule)
    live = {line.unit for line in seen.lines if line.rule == rule and line.kind == "opened"}
    names = {d.id: d.key.removeprefix("t:") for d in kitchen.journal.devices()}
    assert {names[alert.device] for alert in found.alerts} == live
    fridge = [a for a in found.alerts if names[a.device] == "fridge"]
    assert len(fridge) == len([x for x in seen.of(rule) if x.kind in {"opened", "relapsed"}])
