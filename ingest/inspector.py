"""Checks each day of a point whose numbers changed, now and then, and keeps what was found."""

import sqlite3
import time
from zoneinfo import ZoneInfo

import structlog

from caretaker.clock import DAY_MS, Clock, from_ms
from caretaker.errors import StorageError
from caretaker.worker import Periodic
from ingest.explain import flags_of
from storage import devices, quality_flags
from storage.journal import Journal
from storage.quality_flags import KeptFlag

_EVERY_S = 900.0
_FIRST_S = 60.0  # a start has other work
_PAUSE_S = 0.2  # between slices at least: readings and rules come first
_PAUSE = 9.0  # times as long as a slice took of the interpreter
_SLICE = 25  # days of a point
_PAST_DAYS = 60

log = structlog.get_logger()


class Inspector:
    """Keeps the flags of changed days up to date, every quarter of an hour, in slices."""

    def __init__(self, journal: Journal, *, zone: ZoneInfo, clock: Clock) -> None:
        self._journal = journal
        self._zone = zone
        self._clock = clock
        self.worker = Periodic("inspector", self.turn, every_s=_EVERY_S, first_s=_FIRST_S)

    def turn(self) -> None:
        """Inspect what changed until now; what changes meanwhile is for the next turn."""
        try:
            with self._journal.reader() as connection:
                newest = quality_flags.newest(connection)
            while True:
                began_s = time.thread_time()
                more = 0 < self.step() < newest
                pause_s = max(_PAUSE_S, _PAUSE * (time.thread_time() - began_s))
                if not more or self.worker.pause(pause_s):
                    return
        except (sqlite3.Error, StorageError) as error:  # the next turn finds the same days
            log.warning("inspection failed", error=str(error))

    def step(self) -> int:
        """Inspect one slice of changed days; return up to which revision, 0: nothing changed."""
        since_ms = self._clock.now_ms() - _PAST_DAYS * DAY_MS
        found: list[tuple[int, int, list[KeptFlag]]] = []
        with self._journal.reader() as connection:
            days, cursor = quality_flags.changed_days(connection, since_ms=since_ms, limit=_SLICE)
            points = {point.id: point for point in devices.points(connection)}
            for number, day_ms in days:
                point = points[number]
                device = devices.find(connection, point.device)
                assert device is not None
                day = from_ms(day_ms).astimezone(self._zone).date()
                flags = flags_of(connection, device, point, day, zone=self._zone)
                kept = [
                    KeptFlag(number, day_ms, f.code, f.start_ms, f.end_ms, dict(f.figures))
                    for f in flags
                ]
                found.append((number, day_ms, kept))
        if not cursor:
            return 0

        def keep(connection: sqlite3.Connection) -> None:
            for number, day_ms, kept in found:
                quality_flags.replace(connection, number, day_ms, kept)
            quality_flags.move_on(connection, cursor)

        self._journal.call(keep)
        return cursor
