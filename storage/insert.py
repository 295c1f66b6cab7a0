"""Readings into their table: each once, what repeats one absorbed, what contradicts one refused."""

import sqlite3
from dataclasses import dataclass

from caretaker.vocabulary import Arrival, Quality

_OUR_TIME = int(Quality.NO_CLOCK | Quality.CLOCK)

Row = tuple[int, int, int, float, int]
"""(point, at_ms, ordinal, value, quality) of one reading."""

_INSERT = (
    "INSERT OR IGNORE INTO reading (point, at_ms, ordinal, value, quality) VALUES (?, ?, ?, ?, ?)"
)

_SIZES = (512, 64, 8, 1)
# OR FAIL: nothing is kept to undo half a statement with; an error undoes the whole transaction.
_NEW = {
    size: "INSERT OR FAIL INTO reading (point, at_ms, ordinal, value, quality) VALUES "  # noqa: S608
    + ", ".join(["(?, ?, ?, ?, ?)"] * size)
    for size in _SIZES
}
_FROM_THE_START = (-1, -1)

Newest = dict[int, tuple[int, int]]
"""(instant, ordinal) of each point's newest reading: beyond it none can be there."""

_Stored = dict[tuple[int, int], dict[int, float]]
"""(point, at_ms) -> ordinal -> value."""


@dataclass(slots=True)
class Inserted:
    """The rows that are new, each with the arrival it is from, and what became of the others."""

    rows: list[Row]
    sources: list[Arrival]
    absorbed: int
    conflicts: list[tuple[Arrival, str]]
    """(arrival, what stands there) of readings that contradict one of the same instant."""


def insert(
    connection: sqlite3.Connection, rows: list[Row], sources: list[Arrival], newest: Newest
) -> Inserted:
    """Insert readings in the open transaction; `sources` holds the arrival of each row.

    What goes beyond its point's newest reading, as nearly all does, is inserted without a look.
    `newest` is moved on; it must be taken from the file again when the transaction fails.
    """
    ahead, done = Inserted([], [], 0, []), Inserted([], [], 0, [])
    for row, arrival in zip(rows, sources, strict=True):
        key = (row[1], row[2])
        if key > newest.get(row[0], _FROM_THE_START):
            newest[row[0]] = key
            ahead.rows.append(row)
            ahead.sources.append(arrival)
        else:
            done.rows.append(row)
            done.sources.append(arrival)
    _insert_new(connection, ahead.rows)
    if not done.rows:
        return ahead
    _insert_late(connection, done)
    done.rows, done.sources = ahead.rows + done.rows, ahead.sources + done.sources
    return done


def _insert_new(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Insert rows of which none is there: hundreds by a statement, each lets go of the interpreter.

    A savepoint would copy every page it touches, a hundred points are a hundred pages.
    """
    at = 0
    for size in _SIZES:
        while len(rows) - at >= size:
            values = [value for row in rows[at : at + size] for value in row]
            connection.execute(_NEW[size], values)
            at += size


def _insert_late(connection: sqlite3.Connection, done: Inserted) -> None:
    rows = done.rows
    if len({row[:3] for row in rows}) < len(rows):
        _settle(done, {})
    if not _insert_all(connection, done.rows):
        # Some were there before: tell a duplicate from a conflict.
        stored: _Stored = {
            instant: dict(
                connection.execute(
                    "SELECT ordinal, value FROM reading WHERE point = ? AND at_ms = ?", instant
                ).fetchall()
            )
            for instant in {row[:2] for row in done.rows}
        }
        _settle(done, stored)
        connection.executemany(_INSERT, done.rows)


def _insert_all(connection: sqlite3.Connection, rows: list[Row]) -> bool:
    """Insert all rows or none; return whether none of them was there."""
    before = connection.total_changes
    connection.execute("SAVEPOINT batch")
    connection.executemany(_INSERT, rows)
    fresh = connection.total_changes - before == len(rows)
    if not fresh:
        connection.execute("ROLLBACK TO batch")
    connection.execute("RELEASE batch")
    return fresh


def _settle(done: Inserted, stored: _Stored) -> None:
    """Leave the rows that neither repeat another nor one of `stored`."""
    left: list[Row] = []
    origins: list[Arrival] = []
    for row, arrival in zip(done.rows, done.sources, strict=True):
        there = stored.setdefault(row[:2], {})
        if row[2] in there:
            ours = row[4] & _OUR_TIME
            if there[row[2]] == row[3] or (ours and row[3] in there.values()):
                done.absorbed += 1
                continue
            if not ours:
                stands = there[row[2]]
                detail = f"{row[3]:g} where {stands:g} stands, point {row[0]} at {row[1]}"
                done.conflicts.append((arrival, detail))
                continue
            # Two messages received in one millisecond: the time is ours, so is the accident.
            row = (row[0], row[1], max(there) + 1, row[3], row[4])  # noqa: PLW2901
        there[row[2]] = row[3]
        left.append(row)
        origins.append(arrival)
    done.rows, done.sources = left, origins
