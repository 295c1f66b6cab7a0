"""Writes the small old journal that test_migration keeps: run once for each schema version.

Run: python -m tests.storage.make_old tests/storage/old/v1.sqlite3
"""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.clock import HOUR_MS, ManualClock
from caretaker.vocabulary import Arrival, DeviceRole, Measured
from ingest.metering import intervals
from storage import audit, devices
from storage.journal import Journal

START_MS = 1_788_220_800_000


def write(path: Path) -> None:
    """Write a journal with a device, a day of readings and an audit row."""
    journal = Journal(
        path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=ManualClock(START_MS)
    )
    journal.open()
    for hour in range(24):
        at_ms = START_MS + hour * HOUR_MS
        measured = (Measured("", "energy", at_ms, 100.0 + hour),)
        journal.append([Arrival("t", b"x", at_ms, "native:old/main", "native", measured)])
    journal.call(lambda c: devices.adopt(c, 1, name="总表", role=DeviceRole.ELECTRICITY))
    journal.call(
        lambda c: audit.append(c, at_ms=START_MS, actor="admin", action="test", subject="1")
    )
    journal.roll_up()
    journal.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
