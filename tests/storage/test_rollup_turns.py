"""When there is more to add up than time for it, every point gets its turn."""

from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.clock import MINUTE_MS, ManualClock
from caretaker.vocabulary import Arrival, Measured, Period
from ingest.metering import intervals
from storage.connection import open_writer
from storage.journal import Journal
from storage.rollup import Roller

START_MS = 1_788_220_800_000
POINTS = 12


def test_points_take_turns(tmp_path: Path) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    journal = Journal(
        tmp_path / "j.sqlite3", zone=zone, arithmetic=intervals, clock=ManualClock(START_MS)
    )
    journal.open()
    for minute in range(3):
        at_ms = START_MS + minute * MINUTE_MS
        measured = tuple(
            Measured(f"c{n}", "temperature", at_ms, 20.0 + minute) for n in range(POINTS)
        )
        journal.append([Arrival("t", b"x", at_ms, "native:s/d", "native", measured)])
    journal.close()

    connection = open_writer(journal.path)
    roller = Roller(zone=zone, arithmetic=intervals)
    seen: set[int] = set()
    for point in range(1, POINTS + 1):
        connection.execute(
            "INSERT OR REPLACE INTO rollup_dirty VALUES (?, ?, ?)", (point, START_MS, START_MS)
        )
    for _ in range(POINTS):
        # The time is up after one point, and the first ones have new readings each time.
        done = roller.drain(connection, limit=100, budget_s=0.0)
        assert len(done) == 1
        seen.add(done[0][0])
        connection.execute(
            "INSERT OR REPLACE INTO rollup_dirty VALUES (1, ?, ?)", (START_MS, START_MS)
        )
    assert seen == set(range(1, POINTS + 1))
    rows = connection.execute(
        "SELECT count(*) FROM rollup WHERE period = ?", (Period.QUARTER_HOUR.value,)
    ).fetchone()
    assert rows[0] == POINTS
    connection.close()
