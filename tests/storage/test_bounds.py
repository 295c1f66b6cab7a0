"""What a device can make the journal keep is bounded, and what finds no room is counted."""

from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, Measured, Quality, Rejected, RejectReason
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


def test_long_topics_are_cut_and_fill_the_room_by_bytes(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "journal.sqlite3")
    shelf = quarantine.Shelf(max_bytes=20_000)
    for number in range(50):
        arrival = Arrival(f"{number}/{'x' * 60_000}", b"1", NOW_MS)
        shelf.keep(connection, arrival, Rejected(RejectReason.BAD_NAME))
    shelf.flush(connection)
    rows = quarantine.listing(connection, limit=100)
    assert {len(row.topic) for row in rows} == {0, quarantine._TOPIC}
    assert sum(len(row.topic) for row in rows) <= 21_000
    assert quarantine.counts(connection) == {"bad-name": 50}


def test_of_a_long_message_its_head_and_length_are_kept(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "journal.sqlite3")
    shelf = quarantine.Shelf()
    for number, size in ((1, 64 * 1024), (2, 1_000_000), (3, 1_000_000)):
        shelf.keep(connection, refused(number, size), Rejected(RejectReason.NOT_JSON, "why"))
    rows = quarantine.listing(connection, oldest=True)
    assert [(len(row.payload), row.whole) for row in rows] == [
        (64 * 1024, True), (2 * 1024, False), (2 * 1024, False),
    ]  # fmt: skip
    assert "1000000 bytes" in rows[1].detail
    assert rows[1].detail.startswith("why")


def test_what_is_counted_only_takes_one_row_a_device(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "journal.sqlite3")
    shelf = quarantine.Shelf()
    counted = Rejected(RejectReason.FLOOD, quarantine.OVERFLOW)
    for _ in range(3):
        for device, times in (("", 700), ("native:a/mad", 40)):
            arrival = Arrival("", b"", NOW_MS, device=device, repeats=times)
            shelf.keep(connection, arrival, counted)
        shelf.flush(connection)
    rows = quarantine.listing(connection, oldest=True)
    assert [(row.device, row.count, row.whole) for row in rows] == [
        ("", 2_100, False), ("native:a/mad", 120, False),
    ]  # fmt: skip


def test_many_in_one_millisecond_are_settled_before_the_file_sees_them(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    zone = ZoneInfo("Asia/Shanghai")
    journal = Journal(tmp_path / "j.sqlite3", zone=zone, arithmetic=intervals, clock=clock)
    journal.open()

    def at(value: float, quality: Quality) -> Arrival:
        item = Measured("", "temperature", NOW_MS, value, quality)
        return Arrival("t", b"{}", NOW_MS, device="native:a/b", measured=(item,))

    def values() -> list[float]:
        with journal.reader() as connection:
            rows = connection.execute("SELECT value FROM reading ORDER BY ordinal").fetchall()
        return [row[0] for row in rows]

    try:
        ours = Quality.NO_CLOCK
        # The time is ours: other values are other readings, the same value is the same reading.
        stored = journal.append([at(value, ours) for value in (1.0, 2.0, 1.0, 3.0)])
        assert (len(stored.readings), stored.duplicates, stored.quarantined) == (3, 1, 0)
        stored = journal.append([at(value, ours) for value in (3.0, 4.0, 4.0, 5.0)])
        assert (len(stored.readings), stored.duplicates, stored.quarantined) == (2, 2, 0)
        assert values() == [1.0, 2.0, 3.0, 4.0, 5.0]
        # The time is the device's: another value at the same instant is a contradiction.
        stored = journal.append([at(value, Quality.GOOD) for value in (1.0, 1.0, 9.0)])
        assert (len(stored.readings), stored.duplicates, stored.quarantined) == (0, 2, 1)
        with journal.reader() as connection:
            assert quarantine.counts(connection) == {"conflict": 1}
    finally:
        journal.close()


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
