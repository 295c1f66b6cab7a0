"""Adding to a rollup and computing it again agree to the bit, and touch no more than they must."""

import random
import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS, ManualClock
from caretaker.vocabulary import Arrival, Measured, Period
from ingest.metering import intervals
from storage.journal import Journal
from storage.rollup import Roller
from storage.rollup_rows import mark

NOW_MS = 1_788_220_800_000
ZONE = ZoneInfo("Europe/Berlin")
Rows = list[tuple[object, ...]]


def make(path: Path) -> Journal:
    journal = Journal(path, zone=ZONE, arithmetic=intervals, clock=ManualClock(NOW_MS))
    journal.open()
    return journal


def arrival(at_ms: int, value: float, *, quantity: str = "energy") -> Arrival:
    measured = (Measured("", quantity, at_ms, value),)
    return Arrival("t", b"x", NOW_MS, "native:s/m", "native", measured)


def rolled(journal: Journal) -> Rows:
    """Every rollup row but its revision, and the standings after readings that count."""
    with journal.reader() as connection:
        rows = connection.execute(
            "SELECT point, period, start_ms, end_ms, count, mean, low, high, last, amount,"
            " estimated, covered_ms, reason, edited, original FROM rollup"
            " ORDER BY point, period, start_ms"
        ).fetchall()
        states = connection.execute(
            "SELECT * FROM meter_state AS m WHERE EXISTS (SELECT 1 FROM reading AS r"
            " WHERE r.point = m.point AND r.at_ms - r.at_ms % 900000 = m.start_ms AND NOT EXISTS"
            " (SELECT 1 FROM meter_event AS e WHERE e.kind = 'leave_out' AND e.withdrawn_ms IS NULL"
            " AND r.at_ms >= e.at_ms AND r.at_ms < e.end_ms)) ORDER BY point, start_ms"
        ).fetchall()
    return [tuple(row) for row in (*rows, *states)]


def afresh(journal: Journal, zone: ZoneInfo = ZONE) -> Rows:
    """The same computed in one go from nothing but the readings and events."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM rollup")
        connection.execute("DELETE FROM meter_state")
        connection.execute(
            "INSERT OR REPLACE INTO rollup_dirty"
            " SELECT DISTINCT point, at_ms - at_ms % 900000, 0 FROM reading"
            " UNION SELECT p.id, e.at_ms - e.at_ms % 900000, 0 FROM meter_event AS e"
            " JOIN point AS p ON p.device = e.device WHERE e.at_ms > 0"
        )
        Roller(zone=zone, arithmetic=intervals).drain(connection, limit=10**9)

    journal.call(work)
    return rolled(journal)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, float]]:
    """A register with falls, zeros, spikes and silences, in time order."""
    at_ms, value, rows = NOW_MS, 1000.0, []
    for _ in range(draw(st.integers(2, 60))):
        at_ms += draw(
            st.sampled_from([1, 5_000, MINUTE_MS, 7 * MINUTE_MS, QUARTER_MS, 50 * MINUTE_MS])
            | st.integers(1, 30 * HOUR_MS)
        )
        what = draw(st.sampled_from(["up"] * 8 + ["zero", "spike", "reset", "dip", "same"]))
        value += {"up": draw(st.integers(0, 40)) / 7, "same": 0.0}.get(what, 0.1)
        if what == "reset":
            value = draw(st.integers(0, 9)) / 3
        shown = {"zero": 0.0, "spike": value * 7 + 50, "dip": value * 0.9}.get(what, value)
        rows.append((at_ms, shown))
    return rows


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=histories(),
    seed=st.integers(0, 2**32),
    quantity=st.sampled_from(["energy", "power", "door"]),
)
def test_any_order_and_batches_give_the_same_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, float]],
    seed: int,
    quantity: str,
) -> None:
    chance = random.Random(seed)
    arrivals = [arrival(at, value % 2 if quantity == "door" else value, quantity=quantity)
                for at, value in rows]  # fmt: skip
    path = tmp_path_factory.mktemp("j") / "j.sqlite3"
    journal = make(path)
    for part in range(4):
        waiting = arrivals[part::4] if chance.random() < 0.4 else arrivals
        waiting = chance.sample(waiting, len(waiting)) if chance.random() < 0.5 else waiting
        while waiting:
            size = chance.randint(1, 9)
            journal.append(waiting[:size])
            waiting = waiting[size:]
            if chance.random() < 0.6:
                journal.roll_up()
            if chance.random() < 0.1:
                journal.close()
                journal = make(path)
    journal.append(arrivals)
    journal.roll_up()
    grown = rolled(journal)
    assert grown == afresh(journal)
    journal.close()


def test_readings_in_order_are_added_without_reading_the_old_ones(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS + n, n / 8) for n in range(1000)])
    journal.roll_up()
    read: list[str] = []

    def spy(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(read.append)

    journal.call(spy)
    journal.append([arrival(NOW_MS + 5_000, 200.0)])
    journal.roll_up()
    assert not [sql for sql in read if "ORDER BY at_ms DESC" in sql]
    (one,) = [sql for sql in read if "(at_ms, ordinal) >" in sql]
    assert str(NOW_MS + 999) in one
    journal.close()


def test_late_data_change_no_row_but_those_they_touch(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    readings = [(NOW_MS + n * 5 * MINUTE_MS, 100.0 + n) for n in range(3 * 288)]
    late = readings.pop(302)
    journal.append([arrival(*row) for row in readings])
    journal.roll_up()

    def revisions() -> dict[tuple[str, int], int]:
        with journal.reader() as connection:
            return {
                (row[0], row[1]): row[2]
                for row in connection.execute("SELECT period, start_ms, revision FROM rollup")
            }

    before = revisions()
    journal.append([arrival(late[0], late[1] + 0.4)])
    journal.roll_up()
    after = revisions()
    changed = sorted(key for key, revision in after.items() if before.get(key) != revision)
    quarter = late[0] - late[0] % QUARTER_MS
    hour = late[0] - late[0] % HOUR_MS
    touched = {start for period, start in changed if period == Period.QUARTER_HOUR.value}
    assert touched <= {quarter - QUARTER_MS, quarter, quarter + QUARTER_MS}
    assert {start for period, start in changed if period == Period.HOUR.value} <= {hour}
    assert len([1 for period, _ in changed if period == Period.DAY.value]) == 1
    journal.append([arrival(late[0], late[1] + 0.4)])  # once more: nothing is written at all
    with journal.reader() as connection:
        point = connection.execute("SELECT id FROM point").fetchone()[0]
    journal.call(lambda c: mark(c, point, start_ms=late[0] - DAY_MS, end_ms=late[0] + DAY_MS))
    journal.roll_up()
    assert revisions() == after
    assert rolled(journal) == afresh(journal)
    journal.close()


def test_what_comes_after_a_late_reading_leaves_its_day_right(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    for minute in (0, 20, 40, 60, 80):
        journal.append([arrival(NOW_MS + minute * MINUTE_MS, 20.0, quantity="power")])
    journal.roll_up()
    journal.append([arrival(NOW_MS + MINUTE_MS, 21.0, quantity="power")])  # late
    journal.roll_up()
    journal.append([arrival(NOW_MS + 180 * MINUTE_MS, 20.0, quantity="power")])  # in order
    journal.roll_up()
    (day,) = [row for row in rolled(journal) if row[1] == Period.DAY.value]
    assert day[4] == 7
    assert rolled(journal) == afresh(journal)
    journal.close()


def test_what_was_thought_of_a_fall_goes_when_it_is_not_believed(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS + n * MINUTE_MS, 500.0 + n) for n in range(9)])
    low_ms = NOW_MS + 49 * DAY_MS
    journal.append([arrival(low_ms, 3.0)])
    journal.roll_up()  # so far it looks like a reset after a gap of 49 days
    beyond_ms = NOW_MS + 51 * DAY_MS
    for n in range(9):
        journal.append([arrival(beyond_ms + n * MINUTE_MS, 600.0 + n)])
        journal.roll_up()
    assert rolled(journal) == afresh(journal)
    journal.close()


def test_a_late_reading_and_a_far_new_one_in_one_batch(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([arrival(NOW_MS + n * 5 * MINUTE_MS, 50.0 + n) for n in range(25)])
    journal.roll_up()
    late, far = NOW_MS + 118 * MINUTE_MS, NOW_MS + 300 * MINUTE_MS
    journal.append([arrival(late, 73.9), arrival(far, 90.0)])
    journal.roll_up()
    journal.append([arrival(far + MINUTE_MS, 90.5)])
    journal.roll_up()
    assert rolled(journal) == afresh(journal)
    journal.close()
