"""A roster that grew reading by reading is the one that is built at once."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerting import roster
from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.rules import standard_rules
from caretaker.clock import MINUTE_MS, ManualClock
from caretaker.config import DeviceSettings, SiteSettings
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage.devices import apply_file_settings
from storage.journal import Journal

NOW_MS = 1_795_525_200_000

DEVICES = (
    DeviceSettings("native:s/f1", name="f1", role="fridge"),
    DeviceSettings("native:s/f2", name="f2", role="fridge", limits={"limit_hi_c": 6.0}),
    DeviceSettings("native:s/door", name="door", role="door", parent="native:s/f1"),
    DeviceSettings("native:s/main", name="main", role="electricity"),
    DeviceSettings("native:s/water", name="water", role="water"),
    DeviceSettings("native:s/toilet", name="toilet", role="water", parent="native:s/water"),
    DeviceSettings("native:s/room", name="room", role="room"),
)
READINGS = (
    ("stranger", "", "co2"),
    ("f1", "air", "temperature"),
    ("toilet", "", "volume"),
    ("room", "", "co2"),
    ("f2", "air", "temperature"),
    ("water", "", "volume"),
    ("f1", "food", "temperature"),
    ("door", "", "door"),
    ("main", "", "power"),
    ("f2", "", "door"),
    ("stranger", "", "temperature"),
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    clock = ManualClock(NOW_MS)
    made = Journal(
        tmp_path / "j.sqlite3", zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=clock
    )
    made.open()
    made.call(lambda connection: apply_file_settings(connection, DEVICES, now_ms=NOW_MS))
    yield made
    made.close()


def grown_and_built(engine: Engine, journal: Journal) -> tuple[roster.Roster, roster.Roster]:
    with journal.reader() as connection:
        built = roster.build(
            connection,
            engine.rules,
            site=engine.site,
            now_ms=NOW_MS,
            watching_since_ms=NOW_MS,
        )
    return engine.roster, built


@pytest.mark.parametrize("turn", range(0, len(READINGS), 3))
def test_it_is_the_same_in_any_order(
    journal: Journal, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = SiteSettings(devices=DEVICES)
    engine = Engine(standard_rules(site), lifecycle=Lifecycle(site))
    journal.set_judge(engine)
    journal.append([])
    built = 0

    def counted(*args: object, **kwargs: object) -> roster.Roster:
        nonlocal built
        built += 1
        return build(*args, **kwargs)  # type: ignore[arg-type]

    build = roster.build
    monkeypatch.setattr(roster, "build", counted)
    order = [*READINGS[turn:], *READINGS[:turn]]
    for number, (name, channel, quantity) in enumerate(order):
        item = Measured(channel, quantity, NOW_MS - MINUTE_MS + number, 1.0)
        device = f"native:s/{name}"
        journal.append([Arrival("t", b"x", NOW_MS, device, "native", (item,))])
    rebuilt = built
    grown, fresh = grown_and_built(engine, journal)
    assert grown.subjects == fresh.subjects
    assert grown.posts == fresh.posts
    assert {p: set(d) for p, d in grown.routes.items()} == {
        p: set(d) for p, d in fresh.routes.items()
    }
    assert grown.points == fresh.points
    # Once at its first batch, and for what tells about others: a door of a unit, the main meter.
    assert rebuilt <= 1 + 2


def test_all_rules_but_those_that_look_downstream_judge_a_candidate_by_itself(
    journal: Journal,
) -> None:
    for name, channel, quantity in READINGS:
        item = Measured(channel, quantity, NOW_MS, 1.0)
        journal.append([Arrival("t", b"x", NOW_MS, f"native:s/{name}", "native", (item,))])
    with journal.reader() as connection:
        subjects = roster.subjects_of(connection)
    for rule in standard_rules(SiteSettings(devices=DEVICES)):
        if not rule.downstream_first:
            alone = list(itertools.chain(*(rule.subjects([subject]) for subject in subjects)))
            assert sorted(alone, key=id) == sorted(rule.subjects(subjects), key=id), rule.name
