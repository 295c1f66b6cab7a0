"""Reads back what was written: for each hour, as many readings in the store as in the journal.

A store may confirm what it does not keep (out of retention, an empty line, a lost file): the
counts tell, and the hour is sent again.
"""

import sqlite3
from collections.abc import Callable, Sequence

from caretaker.clock import DAY_MS, HOUR_MS, Clock
from caretaker.measurements import NS_PER_MS, RAW
from storage.influx import progress
from storage.influx.influxql import QueryError, count_by_hour
from storage.influx.names import Names
from storage.influx.port import Moment
from storage.influx.progress import Span
from storage.influx.server import Server
from storage.journal import Journal

_SETTLE_MS = 60_000
_MANY_HOURS = 500
_DOUBTED = -1
_SWEEP_DAYS = 30

Counts = dict[tuple[int, int], int]
"""(point, start of the hour [ms]) -> number of readings."""


def in_journal(
    connection: sqlite3.Connection, points: Sequence[int], *, start_ms: int, end_ms: int
) -> Counts:
    """Return how many readings the journal holds by point and hour."""
    found: Counts = {}
    for point in points:
        rows = connection.execute(
            f"SELECT at_ms - at_ms % {HOUR_MS}, count(*) FROM reading WHERE point = ?"  # noqa: S608
            " AND at_ms >= ? AND at_ms < ? GROUP BY 1",
            (point, start_ms, end_ms),
        )
        found.update({(point, hour): count for hour, count in rows})
    return found


def in_store(
    server: Server, names: Names, points: Sequence[int], *, start_ms: int, end_ms: int
) -> Counts:
    """Return how many readings the store holds by point and hour. Raises QueryError."""
    wanted = set(points)
    numbers = {
        (p.quantity, tags["device"], tags["point"]): p.id
        for p in names.points.values()
        if p.id in wanted and "device" in (tags := names.device_of(p.id))
    }
    found: Counts = {}
    for quantity in sorted({key[0] for key in numbers}):
        text = count_by_hour(
            RAW[quantity].name,
            site=names.site,
            start_ns=start_ms * NS_PER_MS,
            end_ns=end_ms * NS_PER_MS,
        )
        for item in server.query(text, raw=True):
            point = numbers.get((quantity, item.tags.get("device", ""), item.tags.get("point", "")))
            if point is None:
                continue
            for time_ns, count in item.rows:
                key = (point, int(time_ns) // NS_PER_MS)
                found[key] = found.get(key, 0) + int(count or 0)
    return found


def set_aside(
    connection: sqlite3.Connection, *, start_ms: int, end_ms: int
) -> set[tuple[int, int]]:
    """Return the points and hours of which rows were refused: there the counts must differ."""
    rows = connection.execute(
        "SELECT point, hour_ms FROM projection_rejected WHERE hour_ms >= ? AND hour_ms < ?",
        (start_ms, end_ms),
    )
    return {(row[0], row[1]) for row in rows}


def due(connection: sqlite3.Connection, *, now_ms: int, most: int = 24) -> list[Span]:
    """Return whole stretches to check that lie within one day, the newest first."""
    spans = progress.spans(connection, "check", now_ms=now_ms, limit=most * 4)
    ended = [span for span in spans if span.end_ms + _SETTLE_MS <= now_ms]
    if not ended:
        return []
    newest = ended[0].end_ms
    return [span for span in ended if newest - span.start_ms <= DAY_MS and not span.point][
        :most
    ] or ended[:1]


def missing(journal: Counts, store: Counts, but: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the points and hours of which the store holds less than the journal.

    >>> missing({(1, 0): 3, (2, 0): 1, (3, 0): 9}, {(1, 0): 3, (3, 0): 2}, {(3, 0)})
    [(2, 0)]
    """
    return sorted(
        key for key, count in journal.items() if count > store.get(key, 0) and key not in but
    )


class ReadBack:
    """Compares stretches with the store, one a step, and queues what is missing."""

    def __init__(
        self,
        journal: Journal,
        server: Server,
        names: Names,
        *,
        clock: Clock,
        catch_up: Callable[[], None],
    ) -> None:
        self.resent_hours = 0
        self.lacking = ""
        self.unread = ""
        self._journal = journal
        self._server = server
        self._names = names
        self._clock = clock
        self._catch_up = catch_up
        self._swept_ms = 0

    def doubt(self, connection: sqlite3.Connection) -> None:
        """Check all of the past: readings came while nobody noted which were late."""
        recent_ms = self._clock.now_ms() - 2 * DAY_MS
        doubted: list[Span] = []
        for span in progress.days_of_readings(connection):
            step = DAY_MS if span.end_ms < recent_ms else HOUR_MS
            doubted += [
                Span(start, start + step, tries=_DOUBTED)
                for start in range(span.start_ms, span.end_ms, step)
            ]
        progress.add_spans(connection, "check", doubted)

    def _sweep(self, moment: Moment) -> None:
        """Queue what was checked long ago: the last day each hour, the last month each day.

        A store may lose later what it kept at first: a file damaged by a power cut, a restored
        backup.
        """
        hour_ms = moment.now_ms - moment.now_ms % HOUR_MS
        if hour_ms == self._swept_ms:
            return
        first, step = hour_ms - DAY_MS, HOUR_MS
        spans = [Span(start, start + step) for start in range(first, hour_ms, step)]
        day_ms = hour_ms - hour_ms % DAY_MS
        if self._swept_ms < day_ms:
            first = day_ms - _SWEEP_DAYS * DAY_MS
            spans += [Span(start, start + DAY_MS) for start in range(first, day_ms, DAY_MS)]
        self._journal.call(lambda connection: progress.add_spans(connection, "check", spans))
        self._swept_ms = hour_ms

    def step(self, moment: Moment) -> bool:
        """Compare a stretch with the store; queue what is missing. True when there was one."""
        kind = self._server.kind
        if kind is None:
            return False
        if kind.reads:
            self._sweep(moment)
        with self._journal.reader() as connection:
            spans = due(connection, now_ms=moment.now_ms)
        if not spans:
            return False
        if not kind.reads:
            self._journal.call(lambda connection: self._trust(connection, spans))
            return True
        try:
            lacking = self._compare(spans, moment)
        except QueryError as error:
            self.unread = f"read-back: {error}"
            later_ms = moment.now_ms + _SETTLE_MS
            self._journal.call(lambda connection: self._defer(connection, spans, later_ms))
            return False
        self.unread = ""
        tries = max(span.tries for span in spans)
        if not lacking:
            self.lacking = ""
        elif tries >= 2:
            self.lacking = (
                f"{len(lacking)} hours of points are confirmed by the store and not in it"
            )
        self._journal.call(lambda connection: self._checked(connection, spans, lacking, moment))
        return True

    def _compare(self, spans: Sequence[Span], moment: Moment) -> list[tuple[int, int]]:
        start_ms, end_ms = min(s.start_ms for s in spans), max(s.end_ms for s in spans)
        oldest_ms = max(start_ms, moment.raw_horizon_ms + 2 * HOUR_MS)
        oldest_ms += -oldest_ms % HOUR_MS
        if oldest_ms >= end_ms:
            return []
        points = sorted(self._names.points)
        journal: Counts = {}
        aside: set[tuple[int, int]] = set()
        for first in range(0, len(points), 100):
            with self._journal.reader() as connection:
                some = points[first : first + 100]
                journal |= in_journal(connection, some, start_ms=oldest_ms, end_ms=end_ms)
                aside |= set_aside(connection, start_ms=oldest_ms, end_ms=end_ms)
        # What was counted and is still on its way must be there before the store is counted.
        self._catch_up()
        store = in_store(self._server, self._names, points, start_ms=oldest_ms, end_ms=end_ms)
        lacking = missing(journal, store, aside)
        inside = [(s.start_ms, s.end_ms) for s in spans]
        return [(p, h) for p, h in lacking if any(a <= h < b for a, b in inside)]

    def _checked(
        self,
        connection: sqlite3.Connection,
        spans: Sequence[Span],
        lacking: Sequence[tuple[int, int]],
        moment: Moment,
    ) -> None:
        self.resent_hours += len(lacking)
        for span in spans:
            mine = [key for key in lacking if span.start_ms <= key[1] < span.end_ms]
            progress.remove_span(connection, "check", span)
            if not mine:
                continue
            again = [Span(hour, hour + HOUR_MS, point) for point, hour in mine]
            if len(mine) > _MANY_HOURS:
                again = [Span(span.start_ms, span.end_ms)]
            progress.add_spans(connection, "send", again)
            tries = max(span.tries, 0) + 1
            wait_ms = min(tries * tries * 10_000, HOUR_MS)
            progress.add_spans(
                connection, "check", [span._replace(tries=tries, due_ms=moment.now_ms + wait_ms)]
            )

    def _defer(self, connection: sqlite3.Connection, spans: Sequence[Span], due_ms: int) -> None:
        for span in spans:
            progress.remove_span(connection, "check", span)
        progress.add_spans(connection, "check", [span._replace(due_ms=due_ms) for span in spans])

    def _trust(self, connection: sqlite3.Connection, spans: Sequence[Span]) -> None:
        """Without read-back a stretch in doubt is sent again; the rest is believed."""
        for span in spans:
            progress.remove_span(connection, "check", span)
        doubted = [span._replace(tries=0) for span in spans if span.tries == _DOUBTED]
        progress.add_spans(connection, "send", doubted)
