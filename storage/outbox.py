"""Notifications that wait to be handed over; a row is written with the incident itself."""

import sqlite3
from dataclasses import dataclass

_BACKOFF_MS = (5_000, 15_000, 60_000, 300_000, 900_000)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One notification for one channel that is due."""

    id: int
    incident: int
    kind: str
    channel: str
    key: str
    attempts: int


def queue(
    connection: sqlite3.Connection,
    *,
    incident: int,
    kind: str,
    channel: str,
    now_ms: int,
    step: int = 0,
) -> None:
    """Queue a notification once: the same incident, kind, channel and step is the same one."""
    connection.execute(
        "INSERT OR IGNORE INTO outbox (incident, kind, channel, key, created_ms, due_ms)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (incident, kind, channel, f"{incident}:{kind}:{step}:{channel}", now_ms, now_ms),
    )


def due(connection: sqlite3.Connection, *, now_ms: int, limit: int = 50) -> list[Waiting]:
    """Return what is due, oldest first."""
    rows = connection.execute(
        "SELECT id, incident, kind, channel, key, attempts FROM outbox"
        " WHERE state = 'waiting' AND due_ms <= ? ORDER BY id LIMIT ?",
        (now_ms, limit),
    )
    return [Waiting(*row) for row in rows]


def delivered(connection: sqlite3.Connection, number: int, *, now_ms: int, detail: str) -> None:
    """Record that the channel took it."""
    connection.execute(
        "UPDATE outbox SET state = 'delivered', delivered_ms = ?, attempts = attempts + 1,"
        " detail = ? WHERE id = ?",
        (now_ms, detail[:300], number),
    )


def failed(
    connection: sqlite3.Connection,
    waiting: Waiting,
    *,
    now_ms: int,
    retry: bool,
    retry_after_s: float,
    detail: str,
) -> None:
    """Record a refusal: due again later, or given up when the channel says it is final."""
    backoff = _BACKOFF_MS[min(waiting.attempts, len(_BACKOFF_MS) - 1)]
    wait_ms = max(backoff, round(retry_after_s * 1000))
    connection.execute(
        "UPDATE outbox SET state = ?, due_ms = ?, attempts = attempts + 1, detail = ? WHERE id = ?",
        ("waiting" if retry else "failed", now_ms + wait_ms, detail[:300], waiting.id),
    )


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many notifications are in each state."""
    return dict(connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
