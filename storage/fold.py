"""Hours and days out of quarter-hours."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from storage.port import Interval


def day_edges(start_ms: int, end_ms: int, zone: ZoneInfo) -> list[int]:
    """Return the local midnights [ms UTC] from the day of `start_ms` to the end of `end_ms`'s.

    >>> edges = day_edges(1774785600000, 1774785600000, ZoneInfo("Europe/Berlin"))
    >>> (edges[1] - edges[0]) // 900_000  # 29 March 2026 has 23 hours
    92
    >>> edges = day_edges(1792929600000, 1792929600000, ZoneInfo("Europe/Berlin"))
    >>> (edges[1] - edges[0]) // 900_000  # 25 October 2026 has 25
    100
    """
    day = datetime.fromtimestamp(start_ms / 1000, tz=UTC).astimezone(zone).date()
    edges: list[int] = []
    while True:
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        edges.append(int(midnight.timestamp() * 1000))
        if edges[-1] > end_ms:
            return edges
        day += timedelta(days=1)


def day_span(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return a local day as [start, end) [ms UTC]; 23 or 25 hours where clocks change.

    >>> start, end = day_span(date(2026, 10, 25), ZoneInfo("Europe/Berlin"))
    >>> (end - start) // 900_000
    100
    """
    starts = [datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(1))]
    return int(starts[0].timestamp() * 1000), int(starts[1].timestamp() * 1000)


@dataclass(slots=True)
class Fold:
    """Adds intervals up in the order they are given, so that the sum is the same to the bit."""

    parts: int = 0
    count: int = 0
    weight: int = 0
    weighted: float = 0.0
    means: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    last: float = 0.0
    amount: float = 0.0
    estimated: float = 0.0
    edited: float = 0.0
    original: float = 0.0
    corrected: bool = False
    reasons: frozenset[str] = field(default_factory=frozenset)

    def add(self, part: Interval) -> None:
        """Take the next interval; one without any level leaves low, high and last alone."""
        self.count += part.count
        self.amount += part.amount
        self.estimated += part.estimated
        self.edited += part.edited
        self.original += part.amount if part.original is None else part.original
        self.corrected = self.corrected or part.original is not None
        if part.reason:
            self.reasons = self.reasons.union(part.reason.split("+"))
        if not (part.count or part.covered_ms or part.low or part.high):
            return
        self.parts += 1
        self.weight += part.covered_ms
        self.weighted += part.mean * part.covered_ms
        self.means += part.mean
        self.low = min(self.low, part.low)
        self.high = max(self.high, part.high)
        self.last = part.last

    def copy(self) -> "Fold":
        """Return an independent copy, to add what may still change."""
        return Fold(
            self.parts,
            self.count,
            self.weight,
            self.weighted,
            self.means,
            self.low,
            self.high,
            self.last,
            self.amount,
            self.estimated,
            self.edited,
            self.original,
            self.corrected,
            self.reasons,
        )

    def interval(self, start_ms: int, end_ms: int) -> Interval:
        """Return what was added up; amounts add, means weigh by coverage."""
        mean = self.weighted / self.weight if self.weight else self.means / (self.parts or 1)
        return Interval(
            start_ms=start_ms,
            end_ms=end_ms,
            count=self.count,
            mean=mean,
            low=self.low if self.parts else 0.0,
            high=self.high if self.parts else 0.0,
            last=self.last,
            amount=self.amount,
            estimated=self.estimated,
            covered_ms=self.weight,
            reason="+".join(sorted(self.reasons)),
            edited=self.edited,
            original=self.original if self.corrected else None,
        )


def combine(parts: Sequence[Interval], *, start_ms: int, end_ms: int) -> Interval:
    """Return the interval that the parts make together.

    >>> a = Interval(0, 10, count=1, mean=2.0, low=1.0, high=3.0, amount=1.0, covered_ms=10)
    >>> b = Interval(10, 20, count=1, mean=4.0, low=4.0, high=5.0, amount=2.0, covered_ms=10)
    >>> both = combine([a, b], start_ms=0, end_ms=20)
    >>> (both.mean, both.low, both.high, both.amount, both.covered_ms)
    (3.0, 1.0, 5.0, 3.0, 20)
    """
    fold = Fold()
    for part in parts:
        fold.add(part)
    return fold.interval(start_ms, end_ms)
