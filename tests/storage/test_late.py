"""A cursor in key order and the log of late readings together see every reading."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage.journal import Journal

NOW_MS = 1_788_220_800_000


def make(path: Path) -> Journal:
    journal = Journal(
        path,
        zone=ZoneInfo("Asia/Shanghai"),
        arithmetic=intervals,
        clock=ManualClock(NOW_MS),
    )
    journal.open()
    return journal


def arrival(at_ms: int, ordinal: int) -> Arrival:
    measured = Measured("", "power", at_ms, float(at_ms % 97 + ordinal), ordinal=ordinal)
    return Arrival("t", b"x", NOW_MS, "native:s/m", "native", (measured,))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), max_size=6), max_size=8
    ),
    read_after=st.sets(st.integers(0, 8)),
)
def test_nothing_is_missed_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[int, int]]],
    read_after: set[int],
) -> None:
    path = tmp_path_factory.mktemp("late")
    journal = make(path / "j.sqlite3")
    journal.follow_late()
    seen: set[tuple[int, int]] = set()
    cursor = (-1, -1)
    for number, batch in enumerate(batches):
        journal.append([arrival(NOW_MS + at, ordinal) for at, ordinal in batch])
        if number not in read_after:
            continue
        with journal.reader() as connection:
            rows = connection.execute(
                "SELECT at_ms, ordinal FROM reading WHERE (at_ms, ordinal) > (?, ?)"
                " ORDER BY at_ms, ordinal",
                cursor,
            ).fetchall()
        found = [(row[0], row[1]) for row in rows]
        seen.update(found)
        cursor = found[-1] if found else cursor
    with journal.reader() as connection:
        everything = {tuple(r) for r in connection.execute("SELECT at_ms, ordinal FROM reading")}
        ahead = {key for key in everything if key > cursor}
        late = {tuple(r) for r in connection.execute("SELECT at_ms, ordinal FROM projection_late")}
    journal.close()
    assert seen | ahead | late == everything


def test_readings_in_order_cost_the_log_nothing(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.follow_late()
    for number in range(20):
        journal.append([arrival(NOW_MS + number, 0)])
    with journal.reader() as connection:
        assert connection.execute("SELECT count(*) FROM projection_late").fetchone()[0] == 0
    journal.close()


def test_readings_taken_while_nobody_followed_are_told(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.call(lambda c: c.execute("INSERT INTO projection VALUES (1, 'store', 'following', 1)"))
    journal.close()
    journal = make(tmp_path / "j.sqlite3")
    with journal.reader() as connection:
        assert connection.execute("SELECT unbroken FROM projection").fetchone()[0] == 1
    journal.append([arrival(NOW_MS, 0)])
    with journal.reader() as connection:
        assert connection.execute("SELECT unbroken FROM projection").fetchone()[0] == 0
    journal.close()
