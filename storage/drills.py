"""Drills and their times, kept for the record of how fast people were."""

import sqlite3
from typing import Any

from caretaker.clock import MINUTE_MS
from storage import audit

PROMISE_MS = 30 * MINUTE_MS
"""From the fault to a person who takes it on (rule-book 8, the seed's response time)."""


class DrillRefusedError(Exception):
    """A drill that cannot be; the text says why."""


_SELECT = (
    "SELECT r.id, r.scenario, coalesce(d.key, '') AS unit, r.author, r.begun_ms, r.incident,"
    " r.opened_ms, r.handed_ms, r.acknowledged_ms, r.acknowledged_by, r.ends_ms, r.ended_ms,"
    " r.device FROM drill AS r LEFT JOIN device AS d ON d.id = r.unit"
)
_NAMES = (
    "id", "scenario", "unit", "author", "begun_ms", "incident", "opened_ms", "handed_ms",
    "acknowledged_ms", "acknowledged_by", "ends_ms", "ended_ms", "device",
)  # fmt: skip


def _drill(row: Any) -> dict[str, Any]:
    found = dict(zip(_NAMES, tuple(row), strict=True))
    taken = found["acknowledged_ms"]
    over = taken is not None or found["ended_ms"] is not None
    in_time = taken is not None and taken - found["begun_ms"] <= PROMISE_MS
    return found | {"within_promise": in_time if over else None}


def listing(connection: sqlite3.Connection, *, limit: int = 100) -> list[dict[str, Any]]:
    """Return drills, the newest first."""
    rows = connection.execute(f"{_SELECT} ORDER BY r.id DESC LIMIT ?", (limit,))
    return [_drill(row) for row in rows]


def running(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return drills that have not ended."""
    rows = connection.execute(f"{_SELECT} WHERE r.ended_ms IS NULL ORDER BY r.id")
    return [_drill(row) for row in rows]


def begin(
    connection: sqlite3.Connection,
    *,
    scenario: str,
    device: int,
    unit: int,
    author: str,
    now_ms: int,
    ends_ms: int,
) -> dict[str, Any]:
    """Write down that a drill begins. Raises DrillRefusedError while another runs."""
    if running(connection):
        raise DrillRefusedError("A drill is running; it ends by itself.")
    cursor = connection.execute(
        "INSERT INTO drill (scenario, device, unit, author, begun_ms, ends_ms)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (scenario, device, unit, author, now_ms, ends_ms),
    )
    number = cursor.lastrowid or 0
    audit.append(
        connection, at_ms=now_ms, actor=author, action="drill.begun", subject=str(number),
        detail={"scenario": scenario, "unit": unit},
    )  # fmt: skip
    row = connection.execute(f"{_SELECT} WHERE r.id = ?", (number,)).fetchone()
    return _drill(row)


def refresh(connection: sqlite3.Connection, drill: int, device: int) -> dict[str, Any]:
    """Take its times from the incident that it made, and return it."""
    connection.execute(
        "UPDATE drill SET (incident, opened_ms, acknowledged_ms, acknowledged_by) ="
        " (SELECT i.id, (SELECT min(at_ms) FROM decision WHERE incident = i.id),"
        "  i.acknowledged_ms, i.acknowledged_by FROM incident AS i"
        "  WHERE i.device = ? AND i.kind = 'drill' ORDER BY i.id LIMIT 1) WHERE id = ? AND EXISTS"
        " (SELECT 1 FROM incident WHERE device = ? AND kind = 'drill')",
        (device, drill, device),
    )
    connection.execute(
        "UPDATE drill SET handed_ms = (SELECT min(delivered_ms) FROM outbox"
        " WHERE outbox.incident = drill.incident AND state = 'delivered') WHERE id = ?",
        (drill,),
    )
    row = connection.execute(f"{_SELECT} WHERE r.id = ?", (drill,)).fetchone()
    return _drill(row)


def end(connection: sqlite3.Connection, drill: int, *, now_ms: int) -> None:
    """Write down that it is over."""
    connection.execute(
        "UPDATE drill SET ended_ms = ? WHERE id = ? AND ended_ms IS NULL", (now_ms, drill)
    )
    audit.append(
        connection, at_ms=now_ms, actor="caretaker", action="drill.ended", subject=str(drill)
    )
