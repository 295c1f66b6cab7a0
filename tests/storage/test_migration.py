"""A file of every released schema still opens, whole."""

import shutil
import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import DAY_MS, ManualClock
from caretaker.errors import CaretakerError
from caretaker.vocabulary import Period
from ingest.metering import intervals
from storage import audit
from storage.journal import Journal
from storage.schema import MIGRATIONS
from tests.storage.make_old import START_MS

OLD = sorted(
    (Path(__file__).parent / "old").glob("v*.sqlite3"), key=lambda path: int(path.stem[1:])
)


def opened(path: Path) -> Journal:
    journal = Journal(
        path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=ManualClock(START_MS)
    )
    journal.open()
    return journal


def test_a_file_of_each_version_is_kept() -> None:
    assert [path.stem for path in OLD] == [f"v{n}" for n in range(1, len(MIGRATIONS) + 1)]


@pytest.mark.parametrize("old", OLD, ids=lambda path: path.stem)
def test_an_old_file_opens_with_all_it_held(old: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    shutil.copy(old, path)
    journal = opened(path)
    (device,) = journal.devices()
    (point,) = journal.points()
    assert device.name == "总表"
    assert len(journal.history(point.id, start_ms=0, end_ms=2**50)) == 24
    days = journal.rollups(point.id, period=Period.DAY, start_ms=0, end_ms=START_MS + 3 * DAY_MS)
    assert sum(day.amount for day in days) == pytest.approx(23.0)
    with journal.reader() as connection:
        assert audit.verify(connection) == 0
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    assert version == len(MIGRATIONS)
    journal.close()


def test_a_file_from_the_future_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    shutil.copy(OLD[-1], path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(CaretakerError, match="newer"):
        opened(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite3"
    path.write_bytes(b"this is no database at all, whatever its name says" * 100)
    with pytest.raises(CaretakerError, match=r"j\.sqlite3"):
        opened(path)
