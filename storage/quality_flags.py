"""What the checks said against days of points: kept beside the values, which stay as they are."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

_CURSOR = "quality.revision"


@dataclass(frozen=True, slots=True)
class KeptFlag:
    """One objection to a point's local day that begins at `day_ms`: code, time, figures."""

    point: int
    day_ms: int
    code: str
    start_ms: int
    end_ms: int
    figures: dict[str, float]


def replace(
    connection: sqlite3.Connection, point: int, day_ms: int, flags: Sequence[KeptFlag]
) -> None:
    """Keep what the checks say of a day now, in place of what they said before."""
    connection.execute("DELETE FROM quality_flag WHERE point = ? AND day_ms = ?", (point, day_ms))
    connection.executemany(
        "INSERT OR REPLACE INTO quality_flag (point, day_ms, code, start_ms, end_ms, figures)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (point, day_ms, flag.code, flag.start_ms, flag.end_ms, json.dumps(flag.figures))
            for flag in flags
        ],
    )


def listing(
    connection: sqlite3.Connection,
    *,
    start_ms: int,
    end_ms: int,
    point: int = 0,
    device: int = 0,
    limit: int = 1000,
) -> list[KeptFlag]:
    """Return the flags of days that begin in [start_ms, end_ms), the newest first.

    `point` and `device` narrow it; 0: of all.
    """
    rows = connection.execute(
        "SELECT point, day_ms, code, start_ms, end_ms, figures FROM quality_flag"
        " WHERE day_ms >= ? AND day_ms < ? AND (? = 0 OR point = ?)"
        " AND (? = 0 OR point IN (SELECT id FROM point WHERE device = ?))"
        " ORDER BY day_ms DESC, point, start_ms LIMIT ?",
        (start_ms, end_ms, point, point, device, device, limit),
    )
    return [KeptFlag(row[0], row[1], row[2], row[3], row[4], json.loads(row[5])) for row in rows]


def changed_days(
    connection: sqlite3.Connection, *, since_ms: int, limit: int
) -> tuple[list[tuple[int, int]], int]:
    """Return ((point, day) whose numbers changed after the last inspection, the new cursor)."""
    row = connection.execute("SELECT value FROM setting WHERE key = ?", (_CURSOR,)).fetchone()
    rows = connection.execute(
        "SELECT point, start_ms, revision FROM rollup WHERE period = 'day' AND revision > ?"
        " ORDER BY revision LIMIT ?",
        (int(row[0]) if row else 0, limit),
    ).fetchall()
    days = {(r[0], r[1]): None for r in rows if r[1] >= since_ms}
    return list(days), rows[-1][2] if rows else 0


def newest(connection: sqlite3.Connection) -> int:
    """Return the revision of the day that changed last."""
    sql = "SELECT max(revision) FROM rollup WHERE period = 'day'"
    return int(connection.execute(sql).fetchone()[0] or 0)


def move_on(connection: sqlite3.Connection, cursor: int) -> None:
    """Remember up to which revision was inspected."""
    connection.execute(
        "INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (_CURSOR, str(cursor))
    )
