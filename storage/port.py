"""What a store promises; every implementation passes tests/contract/test_reading_store.py."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Arrival, Device, Period, Point, Reading


class Interval(msgspec.Struct, frozen=True, gc=False):
    """What one point did in [start_ms, end_ms), by the metering arithmetic.

    For a counter `amount` is its consumption [canonical unit], `estimated` the part of it that
    was spread over a gap; for a gauge `amount` is 0 and `mean`, `low`, `high` tell the level.
    `covered_ms` is the time with data. `reason` explains the number (see ingest/metering.py).

    A struct and no dataclass, for there are as many of these as of readings and a frozen dataclass
    takes ten times as long to make.
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
    edited: float = 0.0
    """The part of `amount` that a person entered."""
    original: float | None = None
    """What the registers gave where a person's correction counts instead; None: no correction."""


Row = tuple[int, int, float]
"""A stored reading of one point: (at_ms, ordinal, value)."""


@dataclass(frozen=True, slots=True)
class Swap:
    """A meter was exchanged: its last reading, and the first of its successor [register units]."""

    at_ms: int
    final: float | None = None
    initial: float | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A person's word on [start_ms, end_ms): its amount, or None to leave its readings out."""

    start_ms: int
    end_ms: int
    amount: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a meter besides its readings [canonical units].

    `register_max` is the highest value its register shows (0: not known), `max_rate_h` the most
    that can pass in an hour (0: the physics of the quantity), `gap_ms` the silence from which on
    an amount counts as estimated. `multipliers` are (valid from [ms UTC], CT x PT ratio).
    """

    register_max: float = 0.0
    max_rate_h: float = 0.0
    gap_ms: int = 45 * MINUTE_MS
    swaps: tuple[Swap, ...] = ()
    multipliers: tuple[tuple[int, float], ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the arithmetic of a point has come: the reading all before which is decided.

    `value` is None just after an exchange without initial reading. `below` and `below_ms` remember
    what a register that fell showed before, so that its return is not booked as consumption.
    """

    at_ms: int
    ordinal: int
    value: float | None
    below: float | None = None
    below_ms: int = 0


class Running(Protocol):
    """The arithmetic of one point under way: readings in time order in, quarter-hours out."""

    lookback: int
    """How many of the newest readings a plain standing is made of."""
    plain: bool
    """Whether its standing is always the plain one."""

    def resume(
        self,
        standing: Standing | None,
        *,
        newest: Sequence[Row],
        after: Sequence[Row],
        floor_ms: int,
    ) -> None:
        """Go on from a standing and the readings `after` it; from the `newest` when it is plain.

        `newest` are the last `lookback` readings. Nothing is told of quarter-hours before
        `floor_ms`.
        """
        ...

    def push(self, rows: Sequence[Row]) -> None:
        """Take further readings."""
        ...

    def standing(self) -> Standing | None:
        """Return the standing, None when it is the plain one."""
        ...

    @property
    def decided_ms(self) -> int:
        """The start of the quarter-hour that further readings may still change."""
        ...

    def closed(self) -> list[Interval]:
        """Return and forget the quarter-hours that no further reading in order can change."""
        ...

    def open(self) -> list[Interval]:
        """Return the others as they stand, undecided readings taken as they are."""
        ...


class Arithmetic(Protocol):
    """The metering arithmetic that the composition root hands in."""

    def running(self, quantity: str, facts: Facts) -> Running:
        """Return the arithmetic of a point, at its beginning."""
        ...

    def corrected(
        self, items: Sequence[Interval], facts: Facts, *, start_ms: int, end_ms: int
    ) -> list[Interval]:
        """Return the quarter-hours of [start_ms, end_ms) with the corrections in them."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What a commit changed: new readings with their points, and what was absorbed."""

    readings: tuple[Reading, ...]
    duplicates: int
    quarantined: int
    new_devices: tuple[int, ...] = ()
    acks: tuple[tuple[str, str, int], ...] = ()
    """(device key, boot, highest contiguous sequence) for devices that number their messages."""
    nothing_to_read: int = 0
    """How many messages (or parts of one) a driver knows and found no reading in."""


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

    def postpone(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        """Note readings that could not be judged, so that they are judged later."""
        ...
