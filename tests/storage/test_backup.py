"""A backup taken while readings arrive holds all that was durable when it began (F30)."""

import threading
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage.backup import BackupError, backup, restore, verify
from storage.journal import Journal

NOW_MS = 1_788_220_800_000


def reading(number: int) -> Arrival:
    measured = (Measured("", "energy", NOW_MS + number, float(number)),)
    return Arrival("t", b"x", NOW_MS, "native:s/m", "native", measured)


def make(path: Path) -> Journal:
    journal = Journal(
        path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=ManualClock(NOW_MS)
    )
    journal.open()
    return journal


def test_a_backup_beside_a_busy_writer(tmp_path: Path) -> None:
    journal = make(tmp_path / "j.sqlite3")
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            journal.append([reading(written)])
            written += 1

    thread = threading.Thread(target=write)
    thread.start()
    reports = []
    for number in range(3):
        while written < 40 * (number + 1):
            stop.wait(0.005)
        promised = written
        report = backup(tmp_path / "j.sqlite3", tmp_path / f"b{number}.sqlite3")
        assert report.rows["reading"] >= promised
        reports.append(report)
    stop.set()
    thread.join()
    journal.close()
    assert verify(tmp_path / "b2.sqlite3") == reports[2]
    restore(tmp_path / "b2.sqlite3", tmp_path / "new" / "j.sqlite3")
    again = make(tmp_path / "new" / "j.sqlite3")
    found = again.history(1, start_ms=0, end_ms=2**50, limit=10**6)
    again.close()
    assert [r.value for r in found] == [float(n) for n in range(reports[2].rows["reading"])]


def test_a_flipped_bit_a_missing_manifest_and_an_existing_journal_are_refused(
    tmp_path: Path,
) -> None:
    journal = make(tmp_path / "j.sqlite3")
    journal.append([reading(n) for n in range(500)])
    journal.close()
    file = tmp_path / "b.sqlite3"
    backup(tmp_path / "j.sqlite3", file)
    with pytest.raises(BackupError, match="exists"):
        backup(tmp_path / "j.sqlite3", file)
    with pytest.raises(BackupError, match="exists"):
        restore(file, tmp_path / "j.sqlite3")
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    with pytest.raises(BackupError, match="not as it was written"):
        verify(file)
    (tmp_path / "b.sqlite3.json").unlink()
    with pytest.raises(BackupError, match="description"):
        verify(file)
