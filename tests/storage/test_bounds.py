"""What a device can make the journal keep is bounded, and what finds no room is counted."""

from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, Measured, Rejected, RejectReason
from ingest.metering import intervals
from storage import quarantine
from storage.commit import _MAX_POINTS
from storage.connection import open_writer
from storage.journal import Journal

NOW_MS = 1_795_525_200_000


def refused(number: int, size: int = 10) -> Arrival:
    body = f"{number:08}".encode().ljust(size, b"x")
    return Arrival("any/topic", body, NOW_MS + number)


def test_a_full_shelf_counts_on_without_growing(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "journal.sqlite3")
    shelf = quarantine.Shelf(max_kinds=10)
    flood = Rejected(RejectReason.FLOOD, "too fast")
    for number in range(1_000):
        shelf.keep(connection, refused(number), flood)
    for _ in range(5):
        shelf.keep(connection, refused(3), flood)
    shelf.flush(connection)
    rows = quarantine.listing(connection, limit=100)
    assert len(rows) == 11
    assert quarantine.counts(connection) == {"flood": 1_005}
    (over,) = [row for row in rows if row.detail == quarantine.OVERFLOW]
    assert over.count == 995
    assert over.payload == b""
    # Another reason has its own room, also after a restart.
    fresh = quarantine.Shelf(max_kinds=10)
    fresh.load(connection)
    fresh.keep(connection, refused(1), Rejected(RejectReason.NOT_JSON))
    fresh.keep(connection, refused(5_000), flood)
    fresh.flush(connection)
    assert quarantine.counts(connection) == {"flood": 1_006, "not-json": 1}
    assert len(quarantine.listing(connection, limit=100)) == 12


def test_large_payloads_fill_the_room_by_bytes(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "journal.sqlite3")
    shelf = quarantine.Shelf(max_bytes=1_000)
    for number in range(50):
        shelf.keep(connection, refused(number, size=300), Rejected(RejectReason.NOT_JSON))
    shelf.flush(connection)
    held = sum(len(row.payload) for row in quarantine.listing(connection, limit=100))
    assert held <= 1_300
    assert quarantine.counts(connection) == {"not-json": 50}


def test_a_device_with_endless_names_gets_no_endless_points(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    zone = ZoneInfo("Asia/Shanghai")
    journal = Journal(tmp_path / "j.sqlite3", zone=zone, arithmetic=intervals, clock=clock)
    journal.open()
    try:
        for batch in range(10):
            measured = tuple(
                Measured(f"c{batch * 100 + n}", "temperature", NOW_MS, 20.0) for n in range(100)
            )
            journal.append([Arrival("t", f"{batch}".encode(), NOW_MS, "x:mad", "x", measured)])
        good = Arrival("t", b"g", NOW_MS, "x:good", "x", (Measured("", "power", NOW_MS, 1.0),))
        assert len(journal.append([good]).readings) == 1
        assert journal.knows("x:mad")
        assert not journal.knows("x:other")
        assert len(journal.points()) == _MAX_POINTS + 1
        with journal.reader() as connection:
            held = quarantine.counts(connection)
        assert held == {"too-many-points": 1_000 - _MAX_POINTS}
    finally:
        journal.close()
