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
    """Fails after it has judged: so many times, like a full disk, or at one device for ever."""

    fails = 0
    poison = -1.0

    def judge(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        super().judge(connection, readings, now_ms=now_ms)
        if self.fails:
            self.fails -= 1
            raise sqlite3.OperationalError("database or disk is full")
        if any(reading.value == self.poison for reading in readings):
            raise KeyError("poison")


@pytest.fixture
def torn(rig: Rig) -> Torn:
    engine = Torn(standard_rules(SITE), lifecycle=Lifecycle(SITE))
    rig.engine = engine
    rig.journal.set_judge(engine)
    return engine


def tick(rig: Rig, seconds: int = 3) -> None:
    rig.clock.advance(seconds * 1000)
    rig.journal.append([])


def test_what_is_rolled_back_was_never_decided_and_is_judged_soon(rig: Rig, torn: Torn) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [14.0])
    before = rows(rig, "SELECT rule, device, state FROM rule_state WHERE rule LIKE 'cold%'")
    torn.fails = 2  # the batch, and time alone: nothing can be judged now
    rig.feed("t:fridge", [14.0])
    assert "disk is full" in rig.journal.judge_error
    assert rig.all() == []
    assert told(rig) == []
    after = rows(rig, "SELECT rule, device, state FROM rule_state WHERE rule LIKE 'cold%'")
    assert after == before
    assert len(rows(rig, "SELECT 1 FROM reading")) == 6  # the readings themselves were kept
    tick(rig)  # no reading comes: what was left is judged all the same
    assert rig.journal.judge_error == ""
    assert [i.severity.value for i in rig.all()] == ["critical"]
    assert told(rig) == [("opened",)]


def test_a_fault_that_passes_costs_no_time(rig: Rig, torn: Torn) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [14.0])
    torn.fails = 1
    rig.feed("t:fridge", [14.0])
    assert told(rig) == [("opened",)]
    assert (rig.journal.judge_failures, bool(rig.journal.judge_error)) == (1, True)
    tick(rig)
    assert (rig.journal.judge_failures, rig.journal.judge_error) == (1, "")


def test_a_reading_that_cannot_be_judged_keeps_no_other_from_it(rig: Rig, torn: Torn) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [14.0])
    torn.poison = 7.7
    at_ms = rig.clock.now_ms()
    rig.journal.append(
        [
            Arrival("t", b"%d" % n, at_ms, key, "t", (Measured("air", "temperature", at_ms, v),))
            for n, (key, v) in enumerate([("t:other", 7.7), ("t:fridge", 14.0)])
        ]
    )
    assert told(rig) == [("opened",)]
    assert "poison" in rig.journal.judge_error
    tick(rig)
    assert rig.journal.judge_error == ""


def test_a_device_that_cannot_be_judged_again_is_shown_until_it_can(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.feed("t:fridge", [4.0] * 4)
    late = rig.engine.late
    again = late._judge_again

    def fails(*_: object, **__: object) -> None:
        raise ValueError("no")

    monkeypatch.setattr(late, "_judge_again", fails)
    at_ms = rig.clock.now_ms() - 12 * MINUTE_MS
    rig.journal.append(
        [Arrival("t", b"l", at_ms, "t:fridge", "t", (Measured("air", "temperature", at_ms, 5.0),))]
    )
    tick(rig)
    assert [key[0] for key in rig.engine.sick] == ["late data"]
    assert rig.journal.judge_error == ""
    rig.feed("t:fridge", [14.0] * 3)  # live judging goes on
    assert told(rig) == [("opened",)]
    monkeypatch.setattr(late, "_judge_again", again)
    tick(rig, 61)
    assert rig.engine.sick == {}
    assert rows(rig, "SELECT count(*) FROM rule_late") == [(0,)]


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
