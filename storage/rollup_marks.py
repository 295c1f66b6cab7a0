"""Which quarter-hours are to be computed again, and whose turn it is."""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import groupby

from caretaker.clock import HOUR_MS, QUARTER_MS
from storage.port import Row

_JOIN_MS = HOUR_MS
_LAST = 2**62
Mark = tuple[int, int, int]
"""A quarter-hour to compute again: (point, start_ms, instant of its earliest new reading)."""


class Turns:
    """Hands out marks point by point, going on after the last: no point waits for ever."""

    def __init__(self) -> None:
        self.last = -1
        """The point that was brought up to date last."""

    def marks(self, connection: sqlite3.Connection, limit: int) -> list[Mark]:
        """Return up to `limit` marks, by point and in time order, those first whose turn it is."""
        sql = (
            "SELECT point, start_ms, from_ms FROM rollup_dirty WHERE point > ? AND point <= ?"
            " ORDER BY point, start_ms LIMIT ?"
        )
        marks = connection.execute(sql, (self.last, _LAST, limit)).fetchall()
        if len(marks) < limit:
            marks += connection.execute(sql, (-1, self.last, limit - len(marks))).fetchall()
        return marks


def runs_of(marks: Sequence[Mark]) -> Iterable[list[Mark]]:
    """Join marks that are near each other: one recomputation costs less than many.

    >>> [len(run) for run in runs_of([(1, 0, 0), (1, 900_000, 0), (1, 99_900_000, 0)])]
    [2, 1]
    """
    run = [marks[0]]
    for mark in marks[1:]:
        if mark[1] - run[-1][1] > _JOIN_MS:
            yield run
            run = []
        run.append(mark)
    yield run


def quarter_of(row: Row) -> int:
    """Return the quarter-hour that a reading falls into [ms UTC]."""
    return row[0] - row[0] % QUARTER_MS


def by_quarter(rows: list[Row], *, whole: bool) -> Iterable[tuple[int, list[Row]]]:
    """Yield readings by the quarter-hour; `whole`: all in one, by that of the last.

    >>> rows = [(0, 0, 1.0), (900_001, 0, 1.0)]
    >>> [(at, len(batch)) for at, batch in by_quarter(rows, whole=True)]
    [(900000, 2)]
    """
    if whole and rows:
        yield quarter_of(rows[-1]), rows
    elif rows:
        for quarter, group in groupby(rows, key=quarter_of):
            yield quarter, list(group)
