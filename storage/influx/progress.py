"""How far the projection has come, kept in the journal; the functions run in its transactions."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caretaker.clock import DAY_MS, HOUR_MS

EMPTYING, FILLING, FOLLOWING = "emptying", "filling", "following"


@dataclass(frozen=True, slots=True)
class State:
    """What the projection is at, and with which store."""

    target: str
    phase: str
    unbroken: bool


class Span(NamedTuple):
    """A stretch of readings to send or to check, [start_ms, end_ms); point 0 means all."""

    start_ms: int
    end_ms: int
    point: int = 0
    tries: int = 0
    due_ms: int = 0


def state(connection: sqlite3.Connection) -> State | None:
    """Return the projection's state, None before the first."""
    row = connection.execute("SELECT target, phase, unbroken FROM projection").fetchone()
    return None if row is None else State(row[0], row[1], bool(row[2]))


def set_state(connection: sqlite3.Connection, *, target: str, phase: str) -> None:
    """Set the state; from here on every late reading is logged."""
    connection.execute(
        "INSERT OR REPLACE INTO projection (id, target, phase, unbroken) VALUES (1, ?, ?, 1)",
        (target, phase),
    )
    # Kept only where a copy follows every rollup: it costs a fifth of their size.
    connection.execute("CREATE INDEX IF NOT EXISTS rollup_by_revision ON rollup (revision)")


def cursor(connection: sqlite3.Connection, feed: str) -> tuple[int, str]:
    """Return (position, shape) of a feed; (0, '') before its first row."""
    row = connection.execute(
        "SELECT position, shape FROM projection_cursor WHERE feed = ?", (feed,)
    ).fetchone()
    return (0, "") if row is None else (int(row[0]), str(row[1]))


def set_cursor(connection: sqlite3.Connection, feed: str, position: int, shape: str = "") -> None:
    """Move a feed's cursor."""
    connection.execute(
        "INSERT OR REPLACE INTO projection_cursor (feed, position, shape) VALUES (?, ?, ?)",
        (feed, position, shape),
    )


def add_spans(connection: sqlite3.Connection, what: str, spans: Iterable[Span]) -> None:
    """Queue stretches: `what` is send or check; one that waits already keeps its place."""
    connection.executemany(
        "INSERT OR IGNORE INTO projection_span (what, start_ms, end_ms, point, tries, due_ms)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(what, *span) for span in spans],
    )


def spans(connection: sqlite3.Connection, what: str, *, now_ms: int, limit: int) -> list[Span]:
    """Return the newest stretches that are due."""
    rows = connection.execute(
        "SELECT start_ms, end_ms, point, tries, due_ms FROM projection_span"
        " WHERE what = ? AND due_ms <= ? ORDER BY start_ms DESC, point LIMIT ?",
        (what, now_ms, limit),
    )
    return [Span(*row) for row in rows]


def remove_span(connection: sqlite3.Connection, what: str, span: Span) -> None:
    """Take a stretch from the queue."""
    connection.execute(
        "DELETE FROM projection_span WHERE what = ? AND start_ms = ? AND end_ms = ? AND point = ?",
        (what, span.start_ms, span.end_ms, span.point),
    )


def count_spans(connection: sqlite3.Connection, what: str) -> int:
    """Return how many stretches wait."""
    return int(
        connection.execute(
            "SELECT count(*) FROM projection_span WHERE what = ?", (what,)
        ).fetchone()[0]
    )


def days_of_readings(connection: sqlite3.Connection, points: Sequence[int] = ()) -> list[Span]:
    """Return the days [UTC] between the first and last reading, of these points or of all."""
    marks = ",".join("?" * len(points))
    clause = f" WHERE id IN ({marks})" if points else ""
    rows = connection.execute(
        "SELECT id, (SELECT min(at_ms) FROM reading WHERE point = p.id),"  # noqa: S608  (marks)
        f" (SELECT max(at_ms) FROM reading WHERE point = p.id) FROM point p{clause}",
        tuple(points),
    ).fetchall()
    found: set[Span] = set()
    for point, first, last in rows:
        if first is None:
            continue
        for day in range(first - first % DAY_MS, last + 1, DAY_MS):
            found.add(Span(day, day + DAY_MS, point if points else 0))
    return sorted(found)


def hour(at_ms: int) -> Span:
    """Return the hour of an instant.

    >>> hour(3_600_001).start_ms
    3600000
    """
    start = at_ms - at_ms % HOUR_MS
    return Span(start, start + HOUR_MS)


def reject(
    connection: sqlite3.Connection, refused: Iterable[tuple[int, int, str, str]], *, now_ms: int
) -> None:
    """Set rows aside: (point, at_ms, line, reason); one entry a series and hour."""
    connection.executemany(
        "INSERT INTO projection_rejected (series, point, hour_ms, reason, line, count, last_ms)"
        " VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (series, hour_ms) DO UPDATE SET"
        " count = count + 1, reason = excluded.reason, line = excluded.line,"
        " last_ms = excluded.last_ms",
        [
            (
                line.partition(" ")[0] if not point else f"point {point}",
                point,
                at_ms - at_ms % HOUR_MS,
                reason[:300],
                line[:500],
                now_ms,
            )
            for point, at_ms, line, reason in refused
        ],
    )


def rejected(connection: sqlite3.Connection) -> tuple[int, str, int]:
    """Return (rows set aside, the newest reason, when [ms])."""
    total = connection.execute("SELECT coalesce(sum(count), 0) FROM projection_rejected").fetchone()
    newest = connection.execute(
        "SELECT reason, last_ms FROM projection_rejected ORDER BY last_ms DESC LIMIT 1"
    ).fetchone()
    return int(total[0]), newest[0] if newest else "", newest[1] if newest else 0


def forget(connection: sqlite3.Connection) -> None:
    """Forget everything but the devices' tags: the store is empty, or another one."""
    for table in ("cursor", "point", "late", "span", "rejected", "gone"):
        connection.execute(f"DELETE FROM projection_{table}")  # noqa: S608  (constants)
