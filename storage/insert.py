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


def insert(connection: sqlite3.Connection, rows: list[Row], sources: list[Arrival]) -> Inserted:
    """Insert readings in the open transaction; `sources` holds the arrival of each row."""
    done = Inserted(rows, sources, 0, [])
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
    return done


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
