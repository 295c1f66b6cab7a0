"""Texts that belong to no incident, as the daily note; written when they are queued."""

import json
import sqlite3

_PREFIX = "note:"


def keep(connection: sqlite3.Connection, kind: str, *, title: str, body: str) -> None:
    """Keep a note's words under its kind, which the outbox row carries."""
    connection.execute(
        "INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)",
        (_PREFIX + kind, json.dumps([title, body], ensure_ascii=False)),
    )
    # What is older than the newest hundred was said long ago.
    connection.execute(
        "DELETE FROM setting WHERE key GLOB 'note:*' AND key NOT IN"
        " (SELECT key FROM setting WHERE key GLOB 'note:*' ORDER BY key DESC LIMIT 100)"
    )


def note_text(connection: sqlite3.Connection, kind: str) -> tuple[str, str]:
    """Return (title, body) of a note."""
    row = connection.execute(
        "SELECT value FROM setting WHERE key = ?", (_PREFIX + kind,)
    ).fetchone()
    if row is None:
        return kind, ""
    title, body = json.loads(row[0])
    return str(title), str(body)
