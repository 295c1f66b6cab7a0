"""Notifications that wait to be handed over; a row is written with the incident itself."""

import sqlite3
from dataclasses import dataclass
from urllib.parse import quote

_BACKOFF_MS = (5_000, 15_000, 60_000, 300_000, 900_000)
_LONGEST_WAIT_S = 3_600.0  # a receiver may ask for more; nobody waits longer for an alert


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
        (
            incident,
            kind,
            channel,
            # The key goes into headers, which are ASCII; a channel's name need not be.
            f"{incident}:{kind}:{step}:{quote(channel, safe='')}",
            now_ms,
            now_ms,
        ),
    )


def due(
    connection: sqlite3.Connection, *, channel: str, now_ms: int, limit: int = 50
) -> list[Waiting]:
    """Return what is due on a channel: critical first, then the oldest.

    What is said of one incident stays in order: a recovery never overtakes its alert.
    """
    rows = connection.execute(
        "SELECT o.id, o.incident, o.kind, o.channel, o.key, o.attempts FROM outbox AS o"
        " JOIN incident AS i ON i.id = o.incident"
        " WHERE o.state = 'waiting' AND o.due_ms <= ? AND o.channel = ?"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS e WHERE e.state = 'waiting'"
        " AND e.incident = o.incident AND e.channel = o.channel AND e.id < o.id)"
        " ORDER BY i.severity <> 'critical', o.id LIMIT ?",
        (now_ms, channel, limit),
    )
    return [Waiting(*row) for row in rows]


def waiting_channels(connection: sqlite3.Connection) -> list[str]:
    """Return the channels that something waits for."""
    rows = connection.execute(
        "SELECT DISTINCT channel FROM outbox WHERE state = 'waiting' ORDER BY channel"
    )
    return [str(row[0]) for row in rows]


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
    wait_ms = max(backoff, round(min(retry_after_s, _LONGEST_WAIT_S) * 1000))
    connection.execute(
        "UPDATE outbox SET state = ?, due_ms = ?, attempts = attempts + 1, detail = ? WHERE id = ?",
        ("waiting" if retry else "failed", now_ms + wait_ms, detail[:300], waiting.id),
    )


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many notifications are in each state."""
    return dict(connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
