"""KPI values and marks in the journal: revisions grow, marks set anew survive."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import DAY_MS, HOUR_MS, QUARTER_MS, ManualClock
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage import kpi
from storage.connection import statements
from storage.journal import Journal
from storage.kpi import KpiValue, Mark

START_MS = 1_788_192_000_000  # 2026-09-01 00:00 in Shanghai
VALUE = KpiValue(
    scope_kind="campus",
    scope="s",
    kpi="electricity_kwh",
    period="day",
    start_ms=START_MS,
    end_ms=START_MS + DAY_MS,
    value=12.5,
    numerator=12.5,
    denominator=1.0,
    coverage=0.97,
    missing=("总表",),
    parameters={"year": 2023, "factors": "CN-national"},
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    zone = ZoneInfo("Asia/Shanghai")
    found = Journal(
        tmp_path / "j.sqlite3", zone=zone, arithmetic=intervals, clock=ManualClock(START_MS)
    )
    found.open()
    yield found
    found.close()


def read(journal: Journal, **wanted: object) -> list[KpiValue]:
    with journal.reader() as connection:
        return kpi.select(connection, **wanted)  # type: ignore[arg-type]


def test_a_value_comes_back_as_it_was_written(journal: Journal) -> None:
    empty = replace(VALUE, kpi="water_m3", value=None, numerator=None, reason="coverage")
    journal.call(lambda c: kpi.write(c, [VALUE, empty]))
    assert [replace(v, revision=0) for v in read(journal)] == [VALUE, empty]
    assert [v.enough for v in read(journal)] == [True, False]
    assert read(journal, kpis=["water_m3"], scope="s", period="day")[0].reason == "coverage"
    assert read(journal, start_ms=START_MS + 1) == []


def test_every_write_has_a_revision_above_all_others(journal: Journal) -> None:
    other = replace(VALUE, kpi="water_m3")
    journal.call(lambda c: kpi.write(c, [VALUE, other]))
    journal.call(lambda c: kpi.write(c, [replace(VALUE, value=13.0)]))
    with journal.reader() as connection:
        feed = kpi.since(connection, 0, limit=10)
        assert [(v.kpi, v.revision) for v in feed] == [("water_m3", 2), ("electricity_kwh", 3)]
        assert [v.value for v in kpi.since(connection, 2, limit=10)] == [13.0]


def test_a_change_of_rollups_marks_their_day(journal: Journal) -> None:
    measured = tuple(
        Measured("", "energy", START_MS + DAY_MS + n * QUARTER_MS, 100.0 + n) for n in range(5)
    )
    journal.append([Arrival("t", b"x", START_MS, "native:s/m", "native", measured)])
    journal.roll_up()
    with journal.reader() as connection:
        found = kpi.marks(connection)
    assert {mark.at_ms for mark in found} == {START_MS + DAY_MS}
    journal.call(lambda c: kpi.unmark(c, found))
    with journal.reader() as connection:
        assert kpi.marks(connection) == []


def test_a_mark_set_again_in_the_meantime_is_not_forgotten(journal: Journal) -> None:
    journal.call(lambda c: kpi.mark_all(c, [START_MS]))
    with journal.reader() as connection:
        before = kpi.marks(connection)
    journal.call(lambda c: kpi.mark_all(c, [START_MS]))
    journal.call(lambda c: kpi.unmark(c, before))
    with journal.reader() as connection:
        (left,) = kpi.marks(connection)
    assert left != before[0]
    assert (left.point, left.at_ms) == (0, START_MS)
    assert isinstance(left, Mark)


def test_an_incident_marks_when_it_began_and_when_it_opened(journal: Journal) -> None:
    def put(connection: object) -> None:
        connection.execute(  # type: ignore[attr-defined]
            "INSERT INTO incident (fingerprint, rule, rule_version, device, severity, state,"
            " since_ms, opened_ms) VALUES ('f', 'r', '1', 1, 'alarm', 'firing', ?, ?)",
            (START_MS, START_MS + HOUR_MS),
        )

    journal.call(put)
    with journal.reader() as connection:
        assert [mark.at_ms for mark in kpi.marks(connection)] == [START_MS, START_MS + HOUR_MS]


def test_retired_values_are_emptied_and_told(journal: Journal) -> None:
    journal.call(lambda c: kpi.write(c, [VALUE, replace(VALUE, scope_kind="building", scope="b")]))
    assert journal.call(lambda c: kpi.retire(c, {("campus", "s", "electricity_kwh")})) == 1
    assert journal.call(lambda c: kpi.retire(c, {("campus", "s", "electricity_kwh")})) == 0
    (gone,) = read(journal, scope="b")
    assert (gone.value, gone.reason, gone.revision) == (None, "gone", 3)


def test_a_trigger_is_one_statement() -> None:
    script = "CREATE TABLE a (b); CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;"
    assert len(statements(script)) == 2
