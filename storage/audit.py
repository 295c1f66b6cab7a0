"""The audit log: a hash chain, so that a row changed afterwards is found."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping

_GENESIS = b"\0" * 32


def _hash(previous: bytes, *fields: str) -> bytes:
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(previous + body).digest()


def append(
    connection: sqlite3.Connection,
    *,
    at_ms: int,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add one row to the chain, in the caller's transaction."""
    row = connection.execute("SELECT hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    previous = bytes(row[0]) if row else _GENESIS
    text = json.dumps(detail or {}, ensure_ascii=False, sort_keys=True)
    connection.execute(
        "INSERT INTO audit (at_ms, actor, action, subject, detail, previous, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            at_ms,
            actor,
            action,
            subject,
            text,
            previous,
            _hash(previous, str(at_ms), actor, action, subject, text),
        ),
    )


def head(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Return (id, hash) of the newest row: kept elsewhere, it shows later that no tail was cut."""
    row = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return (int(row[0]), bytes(row[1])) if row else (0, _GENESIS)


def has(connection: sqlite3.Connection, number: int, digest: bytes) -> bool:
    """Return whether a head noted earlier still stands in the chain."""
    row = connection.execute("SELECT hash FROM audit WHERE id = ?", (number,)).fetchone()
    return bytes(row[0]) == digest if row else number == 0


def verify(connection: sqlite3.Connection) -> int:
    """Return the id of the first row that does not fit the chain, or 0 when all do."""
    previous = _GENESIS
    rows = connection.execute(
        "SELECT id, at_ms, actor, action, subject, detail, previous, hash FROM audit ORDER BY id"
    )
    for number, at_ms, actor, action, subject, detail, before, digest in rows:
        expected = _hash(previous, str(at_ms), actor, action, subject, detail)
        if bytes(before) != previous or bytes(digest) != expected:
            return int(number)
        previous = bytes(digest)
    return 0
