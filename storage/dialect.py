"""What descriptor messages taught the codecs: births, descriptions, discovery."""

import sqlite3
from collections.abc import Iterable


def keep(
    connection: sqlite3.Connection, knowledge: Iterable[tuple[str, bytes]], *, now_ms: int
) -> None:
    """Keep what was learned, by key, in the caller's transaction; an empty value forgets."""
    for key, value in knowledge:
        if value:
            connection.execute(
                "INSERT OR REPLACE INTO dialect_memory (key, value, learned_ms) VALUES (?, ?, ?)",
                (key, value, now_ms),
            )
        else:
            connection.execute("DELETE FROM dialect_memory WHERE key = ?", (key,))


def load(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return all that is known."""
    return {
        key: bytes(value)
        for key, value in connection.execute("SELECT key, value FROM dialect_memory")
    }
