"""The engine in its transaction: rolled back with it, isolated from sick rules, exact in words."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.port import Context, State, Subject, Verdict
from alerting.rules import standard_rules
from caretaker.clock import HOUR_MS, MINUTE_MS, QUARTER_MS
from caretaker.config import DeviceSettings
from caretaker.vocabulary import Arrival, Measured, Reading
from storage import audit, incidents
from storage.devices import apply_file_settings
from tests.alerting.test_timelines import DEVICES, SITE, START_MS, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "j.sqlite3")
    yield made
    made.close()


def rows(rig: Rig, sql: str) -> list[tuple[object, ...]]:
    with rig.journal.reader() as connection:
        return [tuple(row) for row in connection.execute(sql)]


def told(rig: Rig) -> list[tuple[object, ...]]:
    """Return what was queued about cold storage; the other devices are silent throughout."""
    return rows(
        rig,
        "SELECT kind FROM outbox WHERE incident IN"
        " (SELECT id FROM incident WHERE rule = 'cold_storage_warm') ORDER BY id",
    )


class Sick:
    """A rule that fails in a way nobody foresaw."""

    name = "sick"
    version = "1"
    downstream_first = False
    parameters = ()
    timed = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        return list(candidates)

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        raise RecursionError("deep")


def test_a_sick_rule_is_shown_and_stops_no_other(rig: Rig) -> None:
    rig.engine = Engine((Sick(), *standard_rules(SITE)), lifecycle=Lifecycle(SITE))
    rig.journal.set_judge(rig.engine)
    rig.feed("t:fridge", [4.0] * 4 + [14.0] * 3)
    assert rig.all()[0].severity.value == "critical"
    assert list(rig.engine.faults) == ["sick: RecursionError: deep"]


class Torn(Engine):
    """Fails once after it has judged, like a disk that is full for a moment."""

    fail = False

    def judge(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        super().judge(connection, readings, now_ms=now_ms)
        if self.fail and readings:
            self.fail = False
            raise sqlite3.OperationalError("database or disk is full")


def test_what_is_rolled_back_was_never_decided(rig: Rig) -> None:
    engine = Torn(standard_rules(SITE), lifecycle=Lifecycle(SITE))
    rig.engine = engine
    rig.journal.set_judge(engine)
    rig.feed("t:fridge", [4.0] * 4 + [14.0])
    before = rows(rig, "SELECT rule, device, state FROM rule_state WHERE rule LIKE 'cold%'")
    engine.fail = True
    rig.feed("t:fridge", [14.0])
    assert rig.journal.judge_error
    assert rig.all() == []
    assert told(rig) == []
    after = rows(rig, "SELECT rule, device, state FROM rule_state WHERE rule LIKE 'cold%'")
    assert after == before
    rig.feed("t:fridge", [14.0])  # judged from the state that is on disk
    assert len(rig.all()) == 1
    assert len(rows(rig, "SELECT 1 FROM reading")) == 7  # the readings themselves were kept


def test_a_commit_that_fails_takes_decisions_back_with_the_readings(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [14.0])
    # A foreign key checked at COMMIT stands for the disk that fails there.
    rig.journal.call(
        lambda c: c.executescript(
            "PRAGMA foreign_keys = ON;"
            " CREATE TABLE once (id INTEGER REFERENCES site_nowhere (id) DEFERRABLE INITIALLY"
            " DEFERRED); CREATE TABLE site_nowhere (id INTEGER PRIMARY KEY);"
            "CREATE TRIGGER torn AFTER INSERT ON incident BEGIN INSERT INTO once VALUES (1); END;"
            "BEGIN IMMEDIATE"
        )
    )
    with pytest.raises(Exception, match="FOREIGN KEY"):
        rig.feed("t:fridge", [14.0])
    assert rig.journal.failing
    rig.journal.call(lambda c: c.execute("DROP TRIGGER torn"))
    assert rig.all() == []
    rig.clock.advance(5 * MINUTE_MS)
    rig.feed("t:fridge", [14.0])
    assert [i.severity.value for i in rig.all()] == ["critical"]
    assert told(rig) == [("opened",)]


def test_the_whole_path_leaves_exactly_these_rows(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [11.0] * 8)
    (found,) = rig.all()
    now_ms = rig.clock.now_ms()
    rig.journal.call(
        lambda c: incidents.acknowledge(c, found.id, actor="cook", note="门没关好", now_ms=now_ms)
    )
    rig.feed("t:fridge", [3.0] * 20)
    (found,) = rig.all()
    assert found.state == "resolved"
    assert rows(rig, f"SELECT kind FROM outbox WHERE incident = {found.id} ORDER BY id") == [
        ("escalated",),  # the notice before was not for this channel
        ("resolved",),
    ]
    kinds = rows(rig, f"SELECT kind, actor FROM incident_event WHERE incident = {found.id}")
    assert kinds == [
        ("opened", ""), ("escalated", ""), ("acknowledged", "cook"), ("recovered", ""),
        ("closed", ""),
    ]  # fmt: skip
    with rig.journal.reader() as connection:
        assert audit.verify(connection) == 0


def test_a_notice_closes_itself_and_disturbs_nobody(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [8.3] * 4 + [4.0] * 4)
    assert [(i.severity.value, i.state) for i in rig.all()] == [("notice", "resolved")]
    assert told(rig) == []


def test_worse_than_acknowledged_must_be_acknowledged_anew(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [11.0] * 7)
    number = rig.all()[0].id
    now_ms = rig.clock.now_ms()
    rig.journal.call(lambda c: incidents.acknowledge(c, number, actor="cook", now_ms=now_ms))
    rig.feed("t:fridge", [14.0] * 2)
    (found,) = rig.all()
    assert (found.state, found.severity.value) == ("firing", "critical")
    assert (found.acknowledged_ms, found.acknowledged_by) == (None, "")
    rig.feed("t:fridge", [3.0] * 40)
    assert rig.all()[0].state == "recovering"


def test_a_silent_meter_is_named_though_its_neighbour_is_silent_too(rig: Rig) -> None:
    rig.send("t:fridge", 4.0)
    rig.clock.advance(2 * HOUR_MS)
    for _ in range(2):
        rig.send("t:freezer", -19.0)
        rig.clock.advance(MINUTE_MS)
    silent = {item.device for item in rig.all("device_silent") if item.state == "firing"}
    assert silent == {1, 3, 4}  # fridge, toilets and the main meter above them
    rig.send("t:main", 5.0, quantity="volume", channel="")
    (main,) = [i for i in rig.all("device_silent") if i.device == 4]
    assert main.state == "resolved"  # a notice


def test_a_clock_that_runs_ahead_is_not_silence(rig: Rig) -> None:
    for _ in range(10):
        at_ms = rig.clock.now_ms() + 4 * MINUTE_MS
        measured = (Measured("air", "temperature", at_ms, 4.0),)
        rig.journal.append([Arrival("t", b"", at_ms, "t:fridge", "t", measured)])
        rig.clock.advance(5 * MINUTE_MS)
    assert [i for i in rig.all("device_silent") if i.device == 1] == []


def test_the_leak_speaks_once_along_a_chain_of_meters(rig: Rig) -> None:
    chain = (*DEVICES[:2], DeviceSettings(key="t:wc", role="water", parent="t:toilets"),
             *DEVICES[2:])  # fmt: skip
    rig.journal.call(lambda c: apply_file_settings(c, chain, now_ms=START_MS))
    rig.engine.devices_changed()
    meters = ("t:wc", "t:toilets", "t:main")
    for quarter in range(40 * 4):
        for meter in meters:
            rig.send(meter, 100 + quarter * 0.015, quantity="volume", channel="")
        rig.clock.advance(QUARTER_MS)
    assert len(rig.all("continuous_flow")) == 1
