"""Which messages were stored under our time: one that is delivered again must be known again."""

import sqlite3
from dataclasses import dataclass, field

from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Arrival

_REMEMBERED_MS = 10 * MINUTE_MS
_MOST = 100_000
"""So many at most are held in memory; what a broker may deliver again is the last few thousand."""

_INSTANT = 8  # bytes before the digest: what is new stands beside what is new, on few pages


@dataclass(slots=True)
class Deliveries:
    """Remembers for ten minutes; `flush` writes what is new in the caller's transaction."""

    known: dict[bytes, int] = field(default_factory=dict)
    """When a message of that digest was received last [ms UTC], the newest last."""
    _new: list[tuple[bytes, int]] = field(default_factory=list)

    def load(self, connection: sqlite3.Connection) -> None:
        """Take the newest from the file."""
        self._new.clear()
        rows = connection.execute(
            "SELECT digest, received_ms FROM delivery ORDER BY received_ms DESC LIMIT ?", (_MOST,)
        ).fetchall()
        self.known = {_plain(digest): received_ms for digest, received_ms in reversed(rows)}

    def again(self, arrival: Arrival, *, now_ms: int) -> bool:
        """Return whether a message was stored before; else remember it."""
        digest = arrival.digest
        # A number makes a message the only one of its kind, also where no broker marks it so.
        if arrival.redelivered or arrival.sequence:
            received_ms = self.known.get(digest)
            if received_ms is not None and received_ms > now_ms - _REMEMBERED_MS:
                return True
        self.known.pop(digest, None)  # to the end: the oldest are forgotten first
        self.known[digest] = arrival.received_ms
        instant = max(arrival.received_ms, 0).to_bytes(_INSTANT, "big")
        self._new.append((instant + digest, arrival.received_ms))
        return False

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what is new; to be called before the commit."""
        if self._new:
            connection.executemany("INSERT OR REPLACE INTO delivery VALUES (?, ?)", self._new)
            self._new.clear()
        while len(self.known) > _MOST:
            del self.known[next(iter(self.known))]

    def prune(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Forget what is older than ten minutes, or as far in the future."""
        low, high = now_ms - _REMEMBERED_MS, now_ms + _REMEMBERED_MS
        connection.execute(
            "DELETE FROM delivery WHERE received_ms < ? OR received_ms > ?", (low, high)
        )
        self.known = {digest: at for digest, at in self.known.items() if low <= at <= high}


def _plain(key: bytes) -> bytes:
    """Return the digest of a key; older Caretakers wrote it alone.

    >>> _plain(bytes(8) + b"0123456789abcdef"), _plain(b"0123456789abcdef")
    (b'0123456789abcdef', b'0123456789abcdef')
    """
    return key[_INSTANT:] if len(key) > 16 else key
