"""What an earlier version got wrong is found, named and put right, and nothing else is written."""

import sqlite3
from pathlib import Path

import pytest

from caretaker.clock import DAY_MS, MINUTE_MS
from caretaker.vocabulary import Period
from ingest.metering import intervals
from storage import meter_events
from storage.journal import Journal
from storage.meter_events import EventKind, MeterEvent
from storage.recompute import Recomputed, recompute
from tests.storage.test_rollup_exact import NOW_MS, ZONE, arrival, make, rolled


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = make(tmp_path / "j.sqlite3")
    register = [arrival(NOW_MS + n * 7 * MINUTE_MS, 50.0 + n / 3) for n in range(700)]
    beside = [arrival(NOW_MS + n * 9 * MINUTE_MS, n % 7, quantity="power") for n in range(300)]
    journal.append([*register, *beside])
    swap = MeterEvent(
        1, EventKind.SWAP, NOW_MS + DAY_MS, "test", quantity="energy", final=120.0, initial=0.0
    )
    journal.call(lambda c: meter_events.record(c, swap, now_ms=NOW_MS))
    journal.append([arrival(NOW_MS + 99 * 7 * MINUTE_MS + 5, 83.1)])
    journal.roll_up()
    return journal


def compared(journal: Journal, point: int = 1) -> Recomputed:
    with journal.reader() as connection:
        return recompute(connection, point, zone=ZONE, arithmetic=intervals)


def revisions(journal: Journal) -> dict[tuple[object, ...], int]:
    with journal.reader() as connection:
        rows = connection.execute("SELECT point, period, start_ms, revision FROM rollup")
        return {tuple(row)[:3]: row[3] for row in rows}


def test_a_sound_journal_is_left_as_it_is(journal: Journal) -> None:
    before, written = rolled(journal), revisions(journal)
    for point in (1, 2):
        assert not compared(journal, point).differs
        assert not journal.recompute(point).differs
    assert (rolled(journal), revisions(journal)) == (before, written)
    journal.append([arrival(NOW_MS + 5_000 * MINUTE_MS, 300.0)])  # and it goes on from there
    journal.roll_up()
    assert not compared(journal).differs
    journal.close()


def test_what_is_wrong_is_named_and_put_right(journal: Journal) -> None:
    right, written = rolled(journal), revisions(journal)
    day_ms = next(row[2] for row in right if row[1] == Period.DAY.value)

    def spoil(connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE rollup SET amount = amount - 1, count = count - 1"
            " WHERE point = 1 AND period = 'day' AND start_ms = ?", (day_ms,)
        )  # fmt: skip
        connection.execute(
            "DELETE FROM rollup WHERE point = 1 AND period = 'hour' AND start_ms = ?", (NOW_MS,)
        )
        connection.execute("UPDATE meter_state SET value = value + 1")

    journal.call(spoil)
    found = compared(journal)
    assert found.rows == {Period.QUARTER_HOUR: 0, Period.HOUR: 1, Period.DAY: 1}
    (day,) = found.days
    assert day.start_ms == day_ms
    assert day.stored is not None
    assert day.right is not None
    assert day.right.amount == pytest.approx(day.stored.amount + 1)
    assert rolled(journal) != right  # comparing writes nothing
    assert journal.recompute(1) == found
    assert rolled(journal) == right
    after = revisions(journal)
    assert sorted(key for key in after if after[key] != written[key]) == [
        (1, "day", day_ms), (1, "hour", NOW_MS)
    ]  # fmt: skip
    assert min(after[1, "day", day_ms], after[1, "hour", NOW_MS]) > max(written.values())
    journal.append([arrival(NOW_MS + 5_000 * MINUTE_MS, 300.0)])
    journal.roll_up()
    assert not compared(journal).differs
    journal.close()
