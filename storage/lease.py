"""Who leads: a lease with an epoch in the journal, so that a stale leader can write no more."""

import os
import sqlite3
import time

from caretaker.errors import CaretakerError, StorageError

TTL_MS = int(os.environ.get("CARETAKER_LEASE_MS", "15000"))
"""So long a leader that gives no sign is waited for; it renews several times within."""

_NAME = "leader"


class FencedError(StorageError):
    """Another Caretaker leads these data now; nothing was written."""


class LedError(CaretakerError):
    """Another Caretaker leads and is alive."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _alive(until_ms: int) -> bool:
    """Return whether a lease holds; one that ends too late was given by a clock set back since.

    A leader that lives renews by the clock as it is now; a dead one must not be waited for.
    """
    return 0 < until_ms - _now_ms() <= 2 * TTL_MS


def take(connection: sqlite3.Connection, *, locked: bool) -> int:
    """Become the leader and return the new epoch. Raises LedError.

    `locked` says that the data directory's lock is ours: a leader that held it before is dead.
    Without the lock (a stand-by), and against a leader without it, the lease must have run out.
    """
    row = connection.execute(
        "SELECT epoch, holder, until_ms FROM lease WHERE name = ?", (_NAME,)
    ).fetchone()
    epoch, holder, until_ms = row or (0, "", 0)
    if _alive(until_ms) and not (locked and holder.startswith("lock:")):
        raise LedError(f"another Caretaker ({holder}) leads these data")
    connection.execute(
        "INSERT OR REPLACE INTO lease (name, epoch, holder, until_ms) VALUES (?, ?, ?, ?)",
        (_NAME, epoch + 1, f"{'lock' if locked else 'stand-by'}:{os.getpid()}", _now_ms() + TTL_MS),
    )
    return int(epoch) + 1


def renew(connection: sqlite3.Connection) -> None:
    """Say that the leader lives; only the leader's journal gets here."""
    connection.execute("UPDATE lease SET until_ms = ? WHERE name = ?", (_now_ms() + TTL_MS, _NAME))


def release(connection: sqlite3.Connection) -> None:
    """Let the next one lead at once."""
    connection.execute("UPDATE lease SET until_ms = 0 WHERE name = ?", (_NAME,))


def current(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return (epoch, until [ms UTC]); (0, 0) when nobody ever led."""
    row = connection.execute(
        "SELECT epoch, until_ms FROM lease WHERE name = ?", (_NAME,)
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def expired(connection: sqlite3.Connection) -> bool:
    """Return whether nobody leads."""
    return not _alive(current(connection)[1])


def check(connection: sqlite3.Connection, epoch: int) -> None:
    """Raise FencedError when another one leads; asked within each transaction."""
    if current(connection)[0] != epoch:
        raise FencedError("another Caretaker leads these data now")
