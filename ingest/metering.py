"""Metering arithmetic: what a register or a level did in each interval, and why.

Amounts are conserved: over any edges the intervals add up to what the register moved. Each
interval carries reason codes joined by `+`; ingest/reasons.py and docs/metering.md say what
each means. What comes out depends on the readings and the recorded events alone, never on
the order or the batches they came in. Rules: domain rule-book 3.5.
"""

import itertools
from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Reading
from ingest.cells import Cells, Step
from ingest.levels import Level
from ingest.registers import LOOK, Decision, Dial, decide, fallen
from storage.port import Facts, Interval, Row, Running, Standing

__all__ = ["GAP_MS", "LONG_GAP_MS", "MAX_RATE_H", "Metering", "fallen", "intervals"]

GAP_MS = 45 * MINUTE_MS
"""A silence longer than this is a gap: what moved in it is spread and marked estimated."""
LONG_GAP_MS = 50 * DAY_MS
"""After a longer silence the series begins anew: what moved in it is not spread (Energy Sparks)."""
MAX_RATE_H = {
    "energy": 10_000.0,  # 10 MW: several times the transformer of a large school
    "energy_export": 10_000.0,
    "reactive_energy": 10_000.0,
    "reactive_energy_export": 10_000.0,
    "apparent_energy": 10_000.0,
    "heat_energy": 10_000.0,
    "cooling_energy": 10_000.0,
    "volume": 1_000.0,  # m3/h: more than the Q4 of a DN 200 water meter
    "heat_volume": 1_000.0,
    "gas_volume": 2_500.0,  # a G1600 gas meter
}
"""What no campus passes in an hour [canonical unit]; `max_rate` of a device narrows it."""

_HOLD_MS = 45 * MINUTE_MS
"""A level is taken to hold this long after a reading, a state until it is told otherwise."""
_BEFORE_ALL = -(2**62)


class _Register:
    """Consumption of a register that only grows, but for what `ingest.registers` decides."""

    lookback = LOOK + 1
    plain = False

    def __init__(self, facts: Facts, dial: Dial, cells: Cells) -> None:
        self._facts = facts
        self._dial = dial
        self._cells = cells
        self._swaps = sorted(facts.swaps, key=lambda swap: swap.at_ms)
        self._anchor: Row | None = None
        self._tail: list[Row] = []
        self._below: float | None = None
        self._below_ms = 0
        self._since: Standing | None = None
        self._newest: deque[Row] = deque(maxlen=self.lookback)
        self._small = dial.max_rate_h * QUARTER_MS / HOUR_MS  # possible in any span

    def resume(
        self,
        standing: Standing | None,
        *,
        newest: Sequence[Row],
        after: Sequence[Row],
        floor_ms: int,
    ) -> None:
        self._cells.floor_ms = floor_ms
        self._newest.extend(newest)
        self._tail = list(after if standing else newest)
        if standing is None:
            self._anchor = self._tail.pop(0) if self._tail else None
        elif standing.value is None:
            self._since = standing
        else:
            self._anchor = (standing.at_ms, standing.ordinal, standing.value)
            self._below, self._below_ms = standing.below, standing.below_ms
        last_ms = newest[-1][0] if newest else _BEFORE_ALL
        if standing is not None:
            last_ms = max(last_ms, standing.at_ms)
        self._swaps = [swap for swap in self._swaps if swap.at_ms > last_ms]

    def push(self, rows: Sequence[Row]) -> None:
        note, tail, swaps = self._cells.note, self._tail, self._swaps
        newest = self._newest.append
        for row in rows:
            while swaps and swaps[0].at_ms <= row[0]:
                self._exchange()
            note(row)
            newest(row)
            tail.append(row)
            if len(tail) == LOOK + 1 and self._plain(row):
                continue
            if len(tail) > LOOK or self._anchor is None:
                self._advance(final=False)

    def _plain(self, last: Row) -> bool:
        """Take the ordinary case quickly, as `decide` would: the register rises and stays up."""
        anchor, (row, second, third, _) = self._anchor, self._tail
        if anchor is None or self._below is not None:
            return False
        value = row[2]
        amount = value - anchor[2]
        if not (0 <= amount <= self._small and second[2] >= value <= third[2]):
            return False
        span_ms = row[0] - anchor[0]
        if last[2] < value or span_ms > self._facts.gap_ms:
            return False
        self._anchor = row
        del self._tail[0]
        self._cells.step(anchor, row[0], amount)
        return True

    def _advance(self, *, final: bool, told: bool = True) -> None:
        """Believe what can be decided; `told` is False when later readings may still object."""
        tail = self._tail
        while tail and (final or len(tail) > LOOK or self._anchor is None):
            anchor = self._anchor
            if anchor is None:
                self._anchor = tail.pop(0)
                continue
            found = decide(
                anchor, tail, self._dial, below=self._below, below_ms=self._below_ms, final=final
            )
            if found is None:
                return
            self._believe(anchor, tail[found.index], found, told=told)
            del tail[: found.index + 1]

    def _believe(self, anchor: Row, row: Row, found: Decision, *, told: bool) -> None:
        self._anchor = (row[0], row[1], anchor[2]) if found.held else row
        if found.fell:
            self._below, self._below_ms = anchor[2], row[0]
        elif self._below is not None and (
            "returned" in found.reasons
            or row[2] > self._below / 2
            or row[0] - self._below_ms > DAY_MS
        ):
            self._below, self._below_ms = None, 0
        reasons = found.reasons
        if reasons and not told and not found.heard:
            reasons = (*reasons, "unconfirmed")
        self._step(anchor, row[0], found.amount, reasons)

    def _step(self, start: Row, end_ms: int, amount: float, reasons: tuple[str, ...]) -> None:
        span_ms = end_ms - start[0]
        if span_ms > LONG_GAP_MS:
            self._cells.step(start, start[0], 0.0, reasons=("long-gap",), estimated=True)
            self._cells.step((end_ms, 0, start[2]), end_ms, 0.0, reasons=("long-gap",))
            return
        gap = span_ms > self._facts.gap_ms
        if gap:
            reasons = (*reasons, "gap")
        self._cells.step(start, end_ms, amount, estimated=gap, reasons=reasons)

    def _exchange(self) -> None:
        """Close the old meter with its final reading and open its successor: two registers."""
        swap = self._swaps.pop(0)
        self._advance(final=True)
        anchor, at_ms = self._anchor, swap.at_ms
        if anchor is not None:
            amount = 0.0
            reasons: tuple[str, ...] = ("swap", "unknown")
            if swap.final is not None:
                amount, reasons = swap.final - anchor[2], ("swap",)
                if amount < 0:
                    amount, why = fallen(anchor[2], swap.final, dial=self._dial)
                    reasons = ("swap", why)
            self._step(anchor, at_ms, amount, reasons)
        self._tail.clear()
        self._below, self._below_ms = None, 0
        self._anchor = None if swap.initial is None else (at_ms, -1, swap.initial)
        self._since = Standing(at_ms, -1, None) if swap.initial is None else None

    def standing(self) -> Standing | None:
        anchor = self._anchor
        if anchor is None:
            return self._since
        if self._below is None and self._newest and anchor == self._newest[0]:
            return None
        return Standing(*anchor, below=self._below, below_ms=self._below_ms)

    @property
    def decided_ms(self) -> int:
        at_ms = self._anchor[0] if self._anchor else self._since.at_ms if self._since else None
        if at_ms is None:
            return _BEFORE_ALL
        return at_ms - at_ms % QUARTER_MS

    def closed(self) -> list[Interval]:
        return self._cells.take(level=False, before_ms=self.decided_ms)

    def open(self) -> list[Interval]:
        trial = _Register(self._facts, self._dial, self._cells.copy())
        trial._anchor, trial._tail, trial._since = self._anchor, list(self._tail), self._since
        trial._below, trial._below_ms = self._below, self._below_ms
        trial._swaps = list(self._swaps)
        return trial.finished()

    def finished(self, *, told: bool = False) -> list[Interval]:
        """Decide everything now, as if no reading followed, and return all that is left."""
        self._advance(final=True, told=told)
        while self._swaps and self._anchor is not None:
            self._exchange()
        return self._cells.take(level=False)


class _Deltas:
    """Amounts since the message before: each is spread over the time since then."""

    lookback = 1
    plain = True

    def __init__(self, facts: Facts, cells: Cells) -> None:
        self._facts = facts
        self._cells = cells
        self._last: Row | None = None

    def resume(
        self,
        standing: Standing | None,
        *,
        newest: Sequence[Row],
        after: Sequence[Row],
        floor_ms: int,
    ) -> None:
        del standing, after
        self._cells.floor_ms = floor_ms
        self._last = newest[-1] if newest else None

    def push(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._cells.note(row)
            start = self._last or row
            span_ms = row[0] - start[0]
            if span_ms > LONG_GAP_MS:
                start, span_ms = row, 0
            gap = span_ms > self._facts.gap_ms
            self._cells.step(
                (start[0], 0, row[2]),
                row[0],
                row[2],
                estimated=gap,
                reasons=("gap",) if gap else (),
            )
            self._last = row

    def standing(self) -> Standing | None:
        return None

    @property
    def decided_ms(self) -> int:
        return self._last[0] - self._last[0] % QUARTER_MS if self._last else _BEFORE_ALL

    def closed(self) -> list[Interval]:
        return self._cells.take(level=False, before_ms=self.decided_ms)

    def open(self) -> list[Interval]:
        return self._cells.copy().take(level=False)

    def finished(self) -> list[Interval]:
        """Return all that is left."""
        return self._cells.take(level=False)


class Metering:
    """The arithmetic of Caretaker (storage.port.Arithmetic); called, it does one series at once."""

    def running(self, quantity: str, facts: Facts) -> Running:
        """Return the arithmetic of a point, at its beginning."""
        return self._begin(QUANTITIES[quantity].kind, facts, Cells(), quantity=quantity)

    def traced(self, quantity: str, facts: Facts) -> tuple["_Register | _Deltas", list[Step]]:
        """Return the arithmetic of a counted quantity, and the steps it takes as it takes them."""
        cells = Cells()
        cells.trace = []
        running = self._begin(QUANTITIES[quantity].kind, facts, cells, quantity=quantity)
        if isinstance(running, Level):
            raise TypeError(f"{quantity} is a level, it has no steps")
        return running, cells.trace

    def _begin(
        self, kind: Kind, facts: Facts, cells: Cells, *, quantity: str = ""
    ) -> "_Register | _Deltas | Level":
        if kind in {Kind.COUNTER, Kind.DELTA}:
            cells.multiply(facts.multipliers)
        if kind is Kind.COUNTER:
            rate = facts.max_rate_h or MAX_RATE_H.get(quantity, float("inf"))
            return _Register(facts, Dial(facts.register_max, rate), cells)
        if kind is Kind.DELTA:
            return _Deltas(facts, cells)
        return Level(cells, hold_ms=None if kind is Kind.STATE else _HOLD_MS)

    def corrected(
        self, items: Sequence[Interval], facts: Facts, *, start_ms: int, end_ms: int
    ) -> list[Interval]:
        """Return the quarter-hours of [start_ms, end_ms) with a person's amounts in their place.

        An amount is spread evenly over its period; the newest correction of a time counts.
        """
        found = {item.start_ms: item for item in items}
        for spell in facts.corrections:
            if spell.amount is None:
                continue
            low, high = max(spell.start_ms, start_ms), min(spell.end_ms, end_ms)
            length = spell.end_ms - spell.start_ms
            for at_ms in range(low - low % QUARTER_MS, high, QUARTER_MS):
                item = found.get(at_ms) or Interval(at_ms, at_ms + QUARTER_MS)
                share = spell.amount * QUARTER_MS / length
                original = item.amount if item.original is None else item.original
                names = {name for name in item.reason.split("+") if name} | {"corrected"}
                found[at_ms] = replace(
                    item,
                    amount=share,
                    edited=share,
                    estimated=0.0,
                    original=original,
                    reason="+".join(sorted(names)),
                )
        return [found[at_ms] for at_ms in sorted(found)]

    def __call__(
        self,
        kind: Kind,
        readings: Sequence[Reading],
        edges_ms: Sequence[int],
        facts: Facts | None = None,
    ) -> list[Interval]:
        """Return one interval for each pair of edges; readings may reach beyond both ends.

        >>> row = lambda at, value: Reading(1, at, value)
        >>> [i.amount for i in intervals(Kind.COUNTER, [row(0, 0.0), row(100, 10.0)], [0, 50, 100])]
        [5.0, 5.0]
        >>> intervals(Kind.GAUGE, [row(0, 4.0), row(50, 8.0)], [0, 100])[0].mean
        6.0
        """
        cells = Cells(edges_ms=edges_ms)
        running = self._begin(kind, facts or Facts(), cells)
        running.push([(r.at_ms, n, r.value) for n, r in enumerate(readings)])
        done = running.finished(told=True) if isinstance(running, _Register) else running.finished()
        found = {item.start_ms: item for item in done}
        return [found.get(low) or Interval(low, high) for low, high in itertools.pairwise(edges_ms)]


intervals = Metering()
"""The standard arithmetic, to be handed to the journal or called for one series."""
