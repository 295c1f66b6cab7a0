"""Notifications that wait to be handed over; a row is written with the incident itself."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from caretaker.clock import MINUTE_MS
from caretaker.config import SiteSettings

_BACKOFF_MS = (5_000, 15_000, 60_000, 300_000, 900_000)
_LONGEST_WAIT_S = 3_600.0  # a receiver may ask for more; nobody waits longer for an alert


FALL_BACK_MS = 5 * MINUTE_MS
"""Not through after this: the person's next channel is tried."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One notification for one channel, and there for one person or for all, that is due."""

    id: int
    incident: int
    kind: str
    channel: str
    key: str
    attempts: int
    person: str = ""
    severity: str = ""
    created_ms: int = 0


def queue(
    connection: sqlite3.Connection,
    *,
    incident: int,
    kind: str,
    channel: str,
    now_ms: int,
    step: int = 0,
    person: str = "",
    level: int = 0,
) -> None:
    """Queue a notification once: the same incident, kind, step, channel and person is the same."""
    # The key goes into headers, which are ASCII; names need not be.
    key = f"{incident}:{kind}:{step}:{quote(channel, safe='')}"
    if person:
        key += f":{quote(person, safe='')}"
    connection.execute(
        "INSERT OR IGNORE INTO outbox (incident, kind, channel, key, created_ms, due_ms, person,"
        " level) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (incident, kind, channel, key, now_ms, now_ms, person, level),
    )


def due(
    connection: sqlite3.Connection, *, channel: str, now_ms: int, limit: int = 50
) -> list[Waiting]:
    """Return what is due on a channel: critical first, then the oldest.

    What is said of one incident stays in order: a recovery never overtakes its alert. What would
    wait longer than anything waits was put off by a clock that has been set back since: it is due.
    """
    rows = connection.execute(
        "SELECT o.id, o.incident, o.kind, o.channel, o.key, o.attempts, o.person,"
        " coalesce(i.severity, 'notice'), o.created_ms FROM outbox AS o"
        " LEFT JOIN incident AS i ON i.id = o.incident"
        " WHERE o.state = 'waiting' AND (o.due_ms <= ? OR o.due_ms > ?) AND o.channel = ?"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS e WHERE e.state = 'waiting'"
        " AND e.incident = o.incident AND e.channel = o.channel AND e.person = o.person"
        " AND e.id < o.id)"
        " ORDER BY coalesce(i.severity, '') <> 'critical', o.id LIMIT ?",
        (now_ms, now_ms + round(_LONGEST_WAIT_S * 1000), channel, limit),
    )
    return [Waiting(*row) for row in rows]


def fall_back(connection: sqlite3.Connection, site: SiteSettings, *, now_ms: int) -> int:
    """Try the next channel of each person whom a notification did not reach; return how many."""
    rows = connection.execute(
        "SELECT id, incident, kind, channel, person, level FROM outbox WHERE person <> ''"
        " AND handed = 0 AND (state = 'failed'"
        " OR (state = 'waiting' AND (created_ms <= ? OR created_ms > ?)))",
        (now_ms - FALL_BACK_MS, now_ms + MINUTE_MS),
    ).fetchall()
    contacts = {person.id: list(person.contacts) for person in site.people}
    for number, incident, kind, channel, person, level in rows:
        names = contacts.get(person, [])
        after = names[names.index(channel) + 1 :] if channel in names else []
        if after:
            queue(
                connection, incident=incident, kind=kind, channel=after[0], person=person,
                level=level, now_ms=now_ms, step=number,
            )  # fmt: skip
        connection.execute("UPDATE outbox SET handed = 1 WHERE id = ?", (number,))
    return len(rows)


def sent_since(connection: sqlite3.Connection, channel: str, *, since_ms: int) -> list[int]:
    """Return when messages were handed to a channel since then [ms UTC], one a message."""
    rows = connection.execute(
        "SELECT min(delivered_ms) FROM outbox WHERE channel = ? AND delivered_ms > ?"
        " GROUP BY CASE message WHEN '' THEN CAST(id AS TEXT) ELSE message END",
        (channel, since_ms),
    )
    return sorted(int(row[0]) for row in rows)


def oldest_waiting_ms(connection: sqlite3.Connection) -> int | None:
    """Return when the notification that waits longest was queued."""
    row = connection.execute(
        "SELECT min(created_ms) FROM outbox WHERE state = 'waiting'"
    ).fetchone()
    return None if row[0] is None else int(row[0])


def waiting_channels(connection: sqlite3.Connection) -> list[str]:
    """Return the channels that something waits for."""
    rows = connection.execute(
        "SELECT DISTINCT channel FROM outbox WHERE state = 'waiting' ORDER BY channel"
    )
    return [str(row[0]) for row in rows]


def delivered(
    connection: sqlite3.Connection,
    items: Sequence[Waiting],
    *,
    now_ms: int,
    detail: str,
    message: str = "",
) -> None:
    """Record that the channel took them, in one message."""
    connection.executemany(
        "UPDATE outbox SET state = 'delivered', delivered_ms = ?, attempts = attempts + 1,"
        " detail = ?, message = ? WHERE id = ?",
        [(now_ms, detail[:300], message, item.id) for item in items],
    )


def failed(
    connection: sqlite3.Connection,
    items: Sequence[Waiting],
    *,
    now_ms: int,
    retry: bool,
    retry_after_s: float,
    detail: str,
) -> None:
    """Record a refusal: due again later, or given up when the channel says it is final."""
    rows = []
    for item in items:
        backoff = _BACKOFF_MS[min(item.attempts, len(_BACKOFF_MS) - 1)]
        wait_ms = max(backoff, round(min(retry_after_s, _LONGEST_WAIT_S) * 1000))
        rows.append(("waiting" if retry else "failed", now_ms + wait_ms, detail[:300], item.id))
    connection.executemany(
        "UPDATE outbox SET state = ?, due_ms = ?, attempts = attempts + 1, detail = ? WHERE id = ?",
        rows,
    )


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many notifications are in each state."""
    return dict(connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
