"""What became of every message, one count a fate, reason and driver: nothing goes unaccounted."""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from caretaker.vocabulary import Arrival

_SAMPLE = 200
_TOPIC = 512


class Fate(StrEnum):
    """What a message came to; of one that speaks for several devices, each part has its own."""

    STORED = "stored"
    """At least one reading of it is new."""
    DUPLICATE = "duplicate"
    """Every reading of it was there."""
    REFUSED = "refused"
    """No reading of it could be used: it is in quarantine, with the reason."""
    LEARNED = "learned"
    """It told of a connection, or what other messages mean."""
    NOTHING = "nothing-to-read"
    """A driver knows it, and there was no reading in it; or it said what was known already."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many messages of one driver met one fate, and the last of them that held nothing."""

    fate: Fate
    reason: str
    driver: str
    count: int
    first_ms: int
    last_ms: int
    last_topic: str
    last_payload: bytes


@dataclass(slots=True)
class Tally:
    """Counts what a commit does with its arrivals; `flush` writes it in the same transaction.

    The rows are bounded by fates, reasons and drivers, none of which a device can make up.
    """

    _counts: Counter[tuple[Fate, str, str]] = field(default_factory=Counter)
    _last: dict[str, Arrival] = field(default_factory=dict)

    def note(self, fate: Fate, arrival: Arrival, reason: str = "") -> None:
        """Count an arrival, or as many as it stands for."""
        self._counts[fate, reason, arrival.driver] += arrival.repeats
        if fate is Fate.NOTHING:
            self._last[arrival.driver] = arrival

    def of(self, fate: Fate) -> int:
        """Return how many met a fate since the last flush."""
        return sum(count for (kind, _, _), count in self._counts.items() if kind is fate)

    def flush(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Add what was counted to the file; to be called before the commit."""
        if not self._counts:
            return
        rows = []
        for (fate, reason, driver), count in self._counts.items():
            last = self._last.get(driver) if fate is Fate.NOTHING else None
            rows.append(
                (
                    fate.value,
                    reason,
                    driver,
                    count,
                    now_ms,
                    now_ms,
                    last.topic[:_TOPIC] if last else "",
                    last.payload[:_SAMPLE] if last else b"",
                )
            )
        connection.executemany(
            "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (fate, reason, driver) DO UPDATE SET count = count + excluded.count,"
            " last_ms = excluded.last_ms, last_topic = excluded.last_topic,"
            " last_payload = excluded.last_payload",
            rows,
        )
        self.forget()

    def forget(self) -> None:
        """Drop what was counted and not written: its commit failed."""
        self._counts.clear()
        self._last.clear()


def listing(connection: sqlite3.Connection) -> list[Count]:
    """Return every count, by fate, reason and driver."""
    return [
        Count(Fate(row[0]), *row[1:])
        for row in connection.execute("SELECT * FROM tally ORDER BY fate, reason, driver")
    ]
