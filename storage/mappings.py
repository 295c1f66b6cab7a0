"""Mappings made on the page: what the messages of a topic mean, and who said so."""

import json
import sqlite3
from dataclasses import dataclass

from storage import audit


@dataclass(frozen=True, slots=True)
class KeptMapping:
    """One mapping as a person made it."""

    name: str
    body: dict[str, object]
    author: str
    at_ms: int


def listing(connection: sqlite3.Connection) -> list[KeptMapping]:
    """Return every mapping made on the page, by name."""
    rows = connection.execute("SELECT name, body, author, at_ms FROM mapping ORDER BY name")
    return [KeptMapping(name, json.loads(body), author, at) for name, body, author, at in rows]


def keep(
    connection: sqlite3.Connection,
    name: str,
    body: dict[str, object],
    *,
    author: str,
    now_ms: int,
) -> None:
    """Keep a mapping, in place of an older one of its name; the audit log has both."""
    connection.execute(
        "INSERT OR REPLACE INTO mapping (name, body, author, at_ms) VALUES (?, ?, ?, ?)",
        (name, json.dumps(body, ensure_ascii=False), author, now_ms),
    )
    audit.append(
        connection,
        at_ms=now_ms,
        actor=author,
        action="mapping.kept",
        subject=name,
        detail=body,
    )


def remove(connection: sqlite3.Connection, name: str, *, author: str, now_ms: int) -> bool:
    """Forget a mapping; the readings it made stay. Return whether there was one."""
    cursor = connection.execute("DELETE FROM mapping WHERE name = ?", (name,))
    if cursor.rowcount:
        audit.append(connection, at_ms=now_ms, actor=author, action="mapping.removed", subject=name)
    return cursor.rowcount > 0
