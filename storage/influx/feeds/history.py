"""Stretches of past readings: what was there at the start, and hours found incomplete."""

import sqlite3
from collections.abc import Sequence

from storage.influx import progress
from storage.influx.feeds.readings import row_of
from storage.influx.lines import Row
from storage.influx.names import Names
from storage.influx.port import Moment

_NONE = (-(2**62), 0)


class History:
    """Feeds queued stretches, the newest first; a stretch cut short is sent from its start."""

    name = "history"
    shape = ""
    measurements: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._span: progress.Span | None = None
        self._points: list[int] = []
        self._after = _NONE
        self._next: tuple[list[int], tuple[int, int]] | None = None
        self._done: list[progress.Span] = []

    def start(self, connection: sqlite3.Connection) -> None:
        """Take up where the journal says."""
        self._span, self._next, self._done = None, None, []

    def restart(self, connection: sqlite3.Connection) -> None:
        """Drop what is under way; the readings' feed queues everything."""
        self.start(connection)

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Queue all the days of these points."""
        for first in range(0, len(points), 500):
            spans = progress.days_of_readings(connection, points[first : first + 500])
            progress.add_spans(connection, "send", spans)

    def take(
        self, connection: sqlite3.Connection, names: Names, *, moment: Moment, limit: int
    ) -> list[Row]:
        """Return rows of the stretch under way, or of the next one that has any."""
        rows: list[Row] = []
        while not rows:
            if self._span is None:
                found = progress.spans(
                    connection, "send", now_ms=moment.now_ms, limit=len(self._done) + 1
                )
                waiting = [span for span in found if span not in self._done]
                if not waiting:
                    return []
                self._span = waiting[0]
                # A point may be newer than the names at hand; left out, its past would be lost.
                names.refresh(connection)
                self._points = [self._span.point] if self._span.point else sorted(names.points)
                self._after = _NONE
            rows = self._read(connection, names, moment, limit)
            if not rows:
                self.settle()
        return rows

    def _read(
        self, connection: sqlite3.Connection, names: Names, moment: Moment, limit: int
    ) -> list[Row]:
        assert self._span is not None
        start_ms = max(self._span.start_ms, moment.raw_horizon_ms)
        points, after = list(self._points), self._after
        rows: list[Row] = []
        while points and len(rows) < limit:
            point = points[0]
            size = limit - len(rows)
            found = connection.execute(
                "SELECT at_ms, ordinal, value, quality FROM reading WHERE point = ?"
                " AND (at_ms, ordinal) > (?, ?) AND at_ms < ? ORDER BY at_ms, ordinal LIMIT ?",
                (point, *max(after, (start_ms, -1)), self._span.end_ms, size),
            ).fetchall()
            rows += [
                row_of(names, point=point, at_ms=at, ordinal=n, value=value, quality=quality)
                for at, n, value, quality in found
            ]
            if len(found) == size:
                after = (found[-1][0], found[-1][1])
            else:
                points.pop(0)
                after = _NONE
        self._next = (points, after)
        return rows

    def settle(self) -> None:
        """Move on behind what was taken."""
        if self._next is None or self._span is None:
            return
        self._points, self._after = self._next
        self._next = None
        if not self._points:
            self._done.append(self._span)
            self._span = None

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Take the stretches that are sent from the queue; they are checked next."""
        if not self._done:
            return False
        for span in self._done:
            progress.remove_span(connection, "send", span)
        progress.add_spans(connection, "check", [span._replace(due_ms=0) for span in self._done])
        self._done = []
        return True
