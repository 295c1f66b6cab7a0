"""What a store promises; every implementation passes tests/contract/test_reading_store.py."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from caretaker.quantities import Kind
from caretaker.vocabulary import Arrival, Device, Period, Point, Reading


@dataclass(frozen=True, slots=True)
class Interval:
    """What one point did in [start_ms, end_ms), by the metering arithmetic.

    For a counter `amount` is its consumption [canonical unit], `estimated` the part of it that
    was spread over a gap; for a gauge `amount` is 0 and `mean`, `low`, `high` tell the level.
    `covered_ms` is the time with data. `reason` explains the number (see ingest/metering.py).
    """

    start_ms: int
    end_ms: int
    count: int = 0
    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0
    last: float = 0.0
    amount: float = 0.0
    estimated: float = 0.0
    covered_ms: int = 0
    reason: str = ""


Arithmetic = Callable[[Kind, Sequence[Reading], Sequence[int]], list[Interval]]
"""(kind, readings in time order incl. the neighbours outside, n+1 edges [ms]) -> n intervals."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a commit changed: new readings with their points, and what was absorbed."""

    readings: tuple[Reading, ...]
    duplicates: int
    quarantined: int
    new_devices: tuple[int, ...] = ()
    acks: tuple[tuple[str, str, int], ...] = ()
    """(device key, boot, highest contiguous sequence) for devices that number their messages."""


class ReadingStore(Protocol):
    """Keeps readings: what `append` returned for is durable, once."""

    def append(self, arrivals: Sequence[Arrival]) -> Stored:
        """Store a batch in one transaction and return when it is durable.

        A reading with the same point, instant, ordinal and value is absorbed as a duplicate.
        Raises StorageError when nothing of the batch was kept.
        """
        ...

    def devices(self) -> list[Device]:
        """Return every device, heard or adopted."""
        ...

    def points(self, device: int | None = None) -> list[Point]:
        """Return the points of one device, or all."""
        ...

    def latest(self, points: Iterable[int]) -> Mapping[int, Reading]:
        """Return the newest good reading of each point; a future instant never hides it."""
        ...

    def history(
        self, point: int, *, start_ms: int, end_ms: int, limit: int = 10_000
    ) -> list[Reading]:
        """Return raw readings in [start_ms, end_ms) in time order, the newest `limit` of them."""
        ...

    def rollups(self, point: int, *, period: Period, start_ms: int, end_ms: int) -> list[Interval]:
        """Return the intervals that start in [start_ms, end_ms), late data included."""
        ...


class Judge(Protocol):
    """What judges readings inside the transaction that stores them."""

    def load(self, connection: sqlite3.Connection) -> None:
        """Take rule state from the journal: at the start, and after a commit that failed."""
        ...

    def judge(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        """Judge new readings and the passing of time; write state, incidents and outbox."""
        ...
