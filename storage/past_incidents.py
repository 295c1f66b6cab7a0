"""Incidents that were over when they were found: recorded whole, and nobody is called."""

import sqlite3

from caretaker.vocabulary import Severity
from storage import incidents
from storage.incidents import Evidence


def known(
    connection: sqlite3.Connection, rule: str, device: int, *, since_ms: int, end_ms: int
) -> bool:
    """Return whether an incident tells of this span already."""
    row = connection.execute(
        "SELECT 1 FROM incident WHERE rule = ? AND device = ? AND since_ms <= ?"
        " AND coalesce(recovered_ms, closed_ms, ?) >= ? LIMIT 1",
        (rule, device, end_ms, end_ms, since_ms),
    ).fetchone()
    return row is not None


def record(
    connection: sqlite3.Connection,
    *,
    rule: str,
    version: str,
    device: int,
    severity: Severity,
    since_ms: int,
    found_ms: int,
    ended_ms: int,
    evidence: Evidence,
) -> int:
    """Write down an excursion that is over; return its incident, which `close` must end."""
    number = incidents.open_incident(
        connection,
        rule=rule,
        version=version,
        device=device,
        severity=severity,
        since_ms=since_ms,
        now_ms=found_ms,
        evidence=evidence,
        state=incidents.RESOLVED,
    )
    connection.execute(
        "UPDATE incident SET recovered_ms = ?, proved = 1, done = 1 WHERE id = ?",
        (ended_ms, number),
    )
    found = incidents.need(connection, number)
    incidents.record(connection, found, at_ms=ended_ms, kind="recovered")
    return number


def close(connection: sqlite3.Connection, number: int, *, now_ms: int) -> None:
    """End it, as of now."""
    connection.execute("UPDATE incident SET closed_ms = ? WHERE id = ?", (now_ms, number))
    incidents.record(
        connection,
        incidents.need(connection, number),
        at_ms=now_ms,
        kind="closed",
        detail={"reason": "found in late data"},
    )
