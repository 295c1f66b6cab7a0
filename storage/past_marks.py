"""Windows of readings that came too late to be judged with the present, until they are judged."""

import json
import sqlite3
from dataclasses import dataclass

_KEY = "judge_past:"


@dataclass(frozen=True, slots=True)
class PastMark:
    """Readings of a device in [from_ms, to_ms], the last of which came at `asked_ms` [ms UTC]."""

    device: int
    from_ms: int
    to_ms: int
    asked_ms: int


def ask(
    connection: sqlite3.Connection, device: int, *, from_ms: int, to_ms: int, now_ms: int
) -> None:
    """Ask for a window to be judged, together with what was asked for the device before."""
    known = find(connection, device)
    if known is not None:
        from_ms, to_ms = min(known.from_ms, from_ms), max(known.to_ms, to_ms)
    connection.execute(
        "INSERT OR REPLACE INTO setting VALUES (?, ?)",
        (f"{_KEY}{device}", json.dumps([from_ms, to_ms, now_ms])),
    )


def find(connection: sqlite3.Connection, device: int) -> PastMark | None:
    """Return what is asked for a device."""
    row = connection.execute(
        "SELECT value FROM setting WHERE key = ?", (f"{_KEY}{device}",)
    ).fetchone()
    return PastMark(device, *json.loads(row[0])) if row else None


def listing(connection: sqlite3.Connection) -> list[PastMark]:
    """Return all that is asked for."""
    rows = connection.execute(
        "SELECT key, value FROM setting WHERE key >= ? AND key < ?", (_KEY, _KEY + "\x7f")
    )
    return [PastMark(int(key.removeprefix(_KEY)), *json.loads(value)) for key, value in rows]


def done(connection: sqlite3.Connection, mark: PastMark) -> None:
    """Forget what was judged, unless more came meanwhile."""
    if find(connection, mark.device) == mark:
        connection.execute("DELETE FROM setting WHERE key = ?", (f"{_KEY}{mark.device}",))
