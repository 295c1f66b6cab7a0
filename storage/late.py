"""Which readings came later than a newer one of their point: what a key-order cursor would miss."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

# Two look-ups a point in the key's order; a join on both columns would read every reading.
NEWEST = (
    "SELECT * FROM (SELECT id,"
    " (SELECT at_ms FROM reading WHERE point = p.id ORDER BY at_ms DESC, ordinal DESC LIMIT 1)"
    " AS at_ms,"
    " (SELECT ordinal FROM reading WHERE point = p.id ORDER BY at_ms DESC, ordinal DESC LIMIT 1)"
    " FROM point p) WHERE at_ms IS NOT NULL"
)
"""Selects (point, at_ms, ordinal) of the newest reading of each point that has any."""


@dataclass(slots=True)
class LateLog:
    """Logs late readings in the transaction that stores them, once a projection follows.

    A projection reads each point in key order behind a cursor, so a reading in order needs no log;
    only one whose (instant, ordinal) lies before the point's newest is written down. A journal
    that took readings while nobody followed says so (`projection.unbroken`), once.
    """

    following: bool = False
    unwatched: bool = False
    newest: dict[int, tuple[int, int]] = field(default_factory=dict)

    def load(self, connection: sqlite3.Connection) -> None:
        """Learn whether a projection was followed before and is not now."""
        row = connection.execute("SELECT unbroken FROM projection").fetchone()
        self.unwatched = not self.following and row is not None and bool(row[0])

    def follow(self, connection: sqlite3.Connection) -> None:
        """Log from the next reading on."""
        self.newest = {row[0]: (row[1], row[2]) for row in connection.execute(NEWEST)}
        self.following, self.unwatched = True, False

    def note(
        self, connection: sqlite3.Connection, rows: Iterable[tuple[int, int, int, float, int]]
    ) -> None:
        """Take note of rows (point, at_ms, ordinal, ...) just inserted."""
        if not self.following:
            if self.unwatched:
                connection.execute("UPDATE projection SET unbroken = 0")
                self.unwatched = False
            return
        late: list[tuple[int, int, int]] = []
        newest = self.newest
        for point, at_ms, ordinal, _, _ in rows:
            key = (at_ms, ordinal)
            if key <= newest.get(point, (-1, -1)):
                late.append((point, at_ms, ordinal))
            else:
                newest[point] = key
        if late:
            connection.executemany("INSERT OR IGNORE INTO projection_late VALUES (?, ?, ?)", late)
