"""Amounts and levels spread over the intervals they fall into."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass

from caretaker.clock import QUARTER_MS
from storage.port import Interval, Row


@dataclass(slots=True)
class Cell:
    """One interval while it is being added up."""

    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    last: float = 0.0
    amount: float = 0.0
    estimated: float = 0.0
    covered_ms: int = 0
    weighted: float = 0.0
    reasons: frozenset[str] = frozenset()

    def copy(self) -> "Cell":
        """Return an independent copy, to add what may still change."""
        return Cell(
            self.count,
            self.low,
            self.high,
            self.last,
            self.amount,
            self.estimated,
            self.covered_ms,
            self.weighted,
            self.reasons,
        )

    def interval(self, start_ms: int, end_ms: int, *, level: bool) -> Interval:
        """Return the interval; the mean of a level is weighted by the time it held."""
        empty = self.low > self.high
        mean = self.weighted / self.covered_ms if level and self.covered_ms else self.last
        return Interval(
            start_ms=start_ms,
            end_ms=end_ms,
            count=self.count,
            mean=mean,
            low=0.0 if empty else self.low,
            high=0.0 if empty else self.high,
            last=self.last,
            amount=self.amount,
            estimated=self.estimated,
            covered_ms=self.covered_ms,
            reason="+".join(sorted(self.reasons)) if self.reasons else "",
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What a register moved from one believed reading to the next [its own units], and why."""

    start_ms: int
    end_ms: int
    value: float
    amount: float
    estimated: bool
    reasons: tuple[str, ...]


class Cells:
    """Intervals by their start: the quarter-hours, or those between given edges [ms UTC]."""

    def __init__(
        self,
        *,
        edges_ms: Sequence[int] = (),
        floor_ms: int = -(2**62),
    ) -> None:
        self.found: dict[int, Cell] = {}
        self.floor_ms = edges_ms[0] if edges_ms else floor_ms
        self._edges = edges_ms
        self._ceiling = edges_ms[-1] if edges_ms else 2**62
        self._multipliers: list[tuple[int, float]] = []
        self.trace: list[Step] | None = None
        self._now = (0, 0, Cell())  # the cell used last, found again without a search

    @property
    def edged(self) -> bool:
        """Whether the intervals are between given edges."""
        return bool(self._edges)

    def go_on(self, start_ms: int, cell: Cell) -> None:
        """Go on from a cell that was added up elsewhere."""
        self.found[start_ms] = cell
        self._now = (start_ms, start_ms + QUARTER_MS, cell)

    def multiply(self, multipliers: Sequence[tuple[int, float]]) -> None:
        """Let amounts count by these ratios from their dates on."""
        self._multipliers = sorted(multipliers)

    def copy(self) -> "Cells":
        """Return an independent copy, to try out what is not decided."""
        other = copy(self)
        other.found = {start: cell.copy() for start, cell in self.found.items()}
        other._now = (0, 0, Cell())
        return other

    def bounds(self, at_ms: int) -> tuple[int, int]:
        """Return the interval an instant falls into [ms UTC]."""
        if not self._edges:
            start = at_ms - at_ms % QUARTER_MS
            return start, start + QUARTER_MS
        index = min(bisect_right(self._edges, at_ms), len(self._edges) - 1)
        return self._edges[index - 1], self._edges[index]

    def cell(self, start_ms: int) -> Cell:
        """Return the cell that starts there."""
        found = self.found.get(start_ms)
        if found is None:
            found = self.found[start_ms] = Cell()
        return found

    def note(self, row: Row) -> None:
        """Count a reading where it stands."""
        at_ms, _, value = row
        low, high, cell = self._now
        if not low <= at_ms < high:
            if not self.floor_ms <= at_ms < self._ceiling:
                return
            cell = self._use(at_ms)
        cell.count += 1
        cell.last = value
        cell.low = min(cell.low, value)
        cell.high = max(cell.high, value)

    def _use(self, at_ms: int) -> Cell:
        low, high = self.bounds(at_ms)
        cell = self.cell(low)
        if low >= self.floor_ms:
            self._now = (low, high, cell)
        return cell

    def step(
        self,
        start: Row,
        end_ms: int,
        amount: float,
        *,
        estimated: bool = False,
        reasons: Iterable[str] = (),
    ) -> None:
        """Spread what a register moved evenly over the time it took, by the ratio of each date."""
        if self.trace is not None:
            step = Step(start[0], end_ms, start[2], amount, estimated, tuple(reasons))
            self.trace.append(step)
        low, high, cell = self._now
        if low <= start[0] and end_ms <= high and cell.count and not self._multipliers:
            cell.amount += amount
            if estimated:
                cell.estimated += amount
            else:
                cell.covered_ms += end_ms - start[0]
            if reasons:
                cell.reasons = cell.reasons.union(reasons)
            return
        if not self._multipliers:
            self._spread(start[0], end_ms, amount, start[2], estimated=estimated, reasons=reasons)
            return
        cuts = [at for at, _ in self._multipliers if start[0] < at < end_ms]
        span = end_ms - start[0]
        low = start[0]
        for high in (*cuts, end_ms):
            factor = 1.0
            for since, ratio in self._multipliers:
                if since <= low:
                    factor = ratio
            part = amount if not cuts else amount * (high - low) / span
            self._spread(low, high, part * factor, start[2], estimated=estimated, reasons=reasons)
            low = high

    def _spread(
        self,
        start_ms: int,
        end_ms: int,
        amount: float,
        value: float,
        *,
        estimated: bool,
        reasons: Iterable[str],
    ) -> None:
        if end_ms < self.floor_ms or start_ms >= self._ceiling:
            return
        span = end_ms - start_ms
        at, until = max(start_ms, self.floor_ms), min(end_ms, self._ceiling)
        while True:
            low, high = self.bounds(at)
            inside = min(until, high) - at
            if inside > 0 or not span:
                cell = self.cell(low)
                share = amount if inside == span else amount * inside / span
                cell.amount += share
                if estimated:
                    cell.estimated += share
                else:
                    cell.covered_ms += inside
                if reasons:
                    cell.reasons = cell.reasons.union(reasons)
                if not cell.count:  # the register is known from the reading before
                    cell.last = value
                    cell.low, cell.high = min(cell.low, value), max(cell.high, value)
            at = high
            if at >= until:
                return

    def hold(self, row: Row, end_ms: int) -> None:
        """Let a level hold from its reading to `end_ms`."""
        value = row[2]
        low, high, cell = self._now
        if low <= row[0] and end_ms <= high:
            cell.covered_ms += end_ms - row[0]
            cell.weighted += value * (end_ms - row[0])
            return  # its reading was noted there, so low, high and last are known
        at, until = max(row[0], self.floor_ms), min(end_ms, self._ceiling)
        while at < until:
            low, high = self.bounds(at)
            inside = min(until, high) - at
            cell = self.cell(low)
            cell.covered_ms += inside
            cell.weighted += value * inside
            cell.low = min(cell.low, value)
            cell.high = max(cell.high, value)
            if not cell.count:
                cell.last = value
            at = high

    def take(self, *, level: bool, before_ms: int = 2**62) -> list[Interval]:
        """Return the intervals that end by `before_ms` in time order, and forget them."""
        self._now = (0, 0, Cell())
        found, bounds = self.found, self.bounds
        ended = sorted([span for span in map(bounds, found) if span[1] <= before_ms])
        return [found.pop(low).interval(low, high, level=level) for low, high in ended]
