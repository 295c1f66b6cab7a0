"""Metering arithmetic: what a register or a level did in each interval, and why.

Amounts are conserved: over any edges the intervals add up to what the register moved. Each
interval carries reason codes joined by `+`: `gap` (spread over silence, estimated), `reset`
(the register began again), `rollover` (it passed its last digit), `held-zero` (a momentary zero
was not believed). Rules: domain rule-book 3.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from caretaker.clock import MINUTE_MS
from caretaker.quantities import Kind
from caretaker.vocabulary import Reading
from storage.port import Interval

GAP_MS = 45 * MINUTE_MS
"""A silence longer than this is a gap: what moved in it is spread and marked estimated."""

_HOLD_MS = 45 * MINUTE_MS
"""A level is taken to hold this long after a reading, a state until it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a register moved between two readings, and why."""

    start_ms: int
    end_ms: int
    amount: float
    reason: str = ""


def steps(readings: Sequence[Reading]) -> list[Step]:
    """Return what the register moved between readings; never a negative amount.

    >>> row = lambda at, value: Reading(1, at, value)
    >>> [s.amount for s in steps([row(0, 10.0), row(1, 12.0)])]
    [2.0]
    >>> [(s.amount, s.reason) for s in steps([row(0, 10.0), row(1, 0.0), row(2, 11.0)])]
    [(1.0, 'held-zero')]
    >>> [(s.amount, s.reason) for s in steps([row(0, 9999.0), row(1, 2.0)])]
    [(3.0, 'rollover')]
    >>> [(s.amount, s.reason) for s in steps([row(0, 500.0), row(1, 3.0), row(2, 4.0)])]
    [(0.0, 'reset'), (1.0, '')]
    """
    result: list[Step] = []
    index, count = 0, len(readings)
    reason = ""
    while index < count - 1:
        old, new = readings[index], readings[index + 1]
        follow = index + 1
        if new.value < old.value:
            # A momentary zero is believed only when the reading after it does not return.
            beyond = readings[index + 2] if index + 2 < count else None
            if new.value == 0.0 and beyond is not None and beyond.value >= old.value:
                result.append(Step(old.at_ms, beyond.at_ms, beyond.value - old.value, "held-zero"))
                index += 2
                continue
            amount, reason = fallen(old.value, new.value)
        else:
            amount, reason = new.value - old.value, ""
        result.append(Step(old.at_ms, new.at_ms, amount, reason))
        index = follow
    return result


def fallen(old: float, new: float) -> tuple[float, str]:
    """Return the amount behind a register that reads less than before, and the reason.

    After a reset, an exchange of the meter or a glitch the amount is unknown: nothing is booked,
    least of all the whole register (rule-book 5, VEE; T13).

    >>> fallen(99990.0, 10.0)
    (20.0, 'rollover')
    >>> fallen(420.0, 0.5)
    (0.0, 'reset')
    """
    capacity = 10.0
    while capacity <= old:
        capacity *= 10.0
    moved = capacity - old + new
    if capacity >= 1_000 and old > 0.9 * capacity and moved < 0.1 * capacity:
        return moved, "rollover"
    return 0.0, "reset"


def intervals(kind: Kind, readings: Sequence[Reading], edges_ms: Sequence[int]) -> list[Interval]:
    """Return one interval for each pair of edges; readings may reach beyond both ends.

    >>> row = lambda at, value: Reading(1, at, value)
    >>> [i.amount for i in intervals(Kind.COUNTER, [row(0, 0.0), row(100, 10.0)], [0, 50, 100])]
    [5.0, 5.0]
    >>> intervals(Kind.GAUGE, [row(0, 4.0), row(50, 8.0)], [0, 100])[0].mean
    6.0
    """
    if kind is Kind.COUNTER:
        return _register(readings, edges_ms)
    if kind is Kind.DELTA:
        return _deltas(readings, edges_ms)
    return _level(readings, edges_ms, hold_ms=None if kind is Kind.STATE else _HOLD_MS)


@dataclass(slots=True)
class _Cell:
    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    last: float = 0.0
    total: float = 0.0
    amount: float = 0.0
    estimated: float = 0.0
    covered_ms: int = 0
    weighted: float = 0.0
    reasons: frozenset[str] = frozenset()


def _cells(readings: Sequence[Reading], edges_ms: Sequence[int]) -> list[_Cell]:
    cells = [_Cell() for _ in range(len(edges_ms) - 1)]
    index, last = 0, len(cells) - 1
    for reading in readings:
        at_ms, value = reading.at_ms, reading.value
        if at_ms < edges_ms[0]:
            continue
        if at_ms >= edges_ms[-1]:
            break
        while index < last and at_ms >= edges_ms[index + 1]:
            index += 1
        cell = cells[index]
        cell.count += 1
        cell.total += value
        cell.last = value
        cell.low = min(cell.low, value)
        cell.high = max(cell.high, value)
    return cells


def _register(readings: Sequence[Reading], edges_ms: Sequence[int]) -> list[Interval]:
    cells = _cells(readings, edges_ms)
    index, last = 0, len(cells) - 1
    for step in steps(readings):
        if step.end_ms <= edges_ms[0] or step.start_ms >= edges_ms[-1]:
            continue
        span = step.end_ms - step.start_ms
        gap = span > GAP_MS
        while index < last and step.start_ms >= edges_ms[index + 1]:
            index += 1
        at = index
        while at <= last and edges_ms[at] < step.end_ms:
            inside = min(step.end_ms, edges_ms[at + 1]) - max(step.start_ms, edges_ms[at])
            share = step.amount * inside / span if span else step.amount
            cell = cells[at]
            cell.amount += share
            if gap:
                cell.estimated += share
                cell.reasons |= {"gap"}
            else:
                cell.covered_ms += inside
            if step.reason:
                cell.reasons |= {step.reason}
            at += 1
    return [
        _interval(cell, start, end, mean=cell.last)
        for cell, start, end in zip(cells, edges_ms[:-1], edges_ms[1:], strict=True)
    ]


def _deltas(readings: Sequence[Reading], edges_ms: Sequence[int]) -> list[Interval]:
    cells = _cells(readings, edges_ms)
    result = []
    for cell, start, end in zip(cells, edges_ms[:-1], edges_ms[1:], strict=True):
        cell.amount = cell.total
        cell.covered_ms = end - start if cell.count else 0
        result.append(_interval(cell, start, end, mean=cell.last))
    return result


def _level(
    readings: Sequence[Reading], edges_ms: Sequence[int], *, hold_ms: int | None
) -> list[Interval]:
    cells = _cells(readings, edges_ms)
    index, last = 0, len(cells) - 1
    for position, reading in enumerate(readings):
        if position + 1 < len(readings):
            end = readings[position + 1].at_ms
        else:
            # What follows the newest reading is not known yet: it covers its own interval only.
            end = _edge_after(reading.at_ms, edges_ms)
        if hold_ms is not None:
            end = min(end, reading.at_ms + hold_ms)
        if end <= edges_ms[0] or reading.at_ms >= edges_ms[-1]:
            continue
        while index < last and reading.at_ms >= edges_ms[index + 1]:
            index += 1
        at = index
        while at <= last and edges_ms[at] < end:
            inside = min(end, edges_ms[at + 1]) - max(reading.at_ms, edges_ms[at])
            if inside > 0:
                cells[at].covered_ms += inside
                cells[at].weighted += reading.value * inside
                cells[at].low = min(cells[at].low, reading.value)
                cells[at].high = max(cells[at].high, reading.value)
                if not cells[at].count:
                    cells[at].last = reading.value
            at += 1
    return [
        _interval(
            cell,
            start,
            end,
            mean=cell.weighted / cell.covered_ms if cell.covered_ms else cell.last,
        )
        for cell, start, end in zip(cells, edges_ms[:-1], edges_ms[1:], strict=True)
    ]


def _edge_after(at_ms: int, edges_ms: Sequence[int]) -> int:
    for edge in edges_ms:
        if edge > at_ms:
            return edge
    return at_ms


def _interval(cell: _Cell, start_ms: int, end_ms: int, *, mean: float) -> Interval:
    empty = cell.low > cell.high
    return Interval(
        start_ms=start_ms,
        end_ms=end_ms,
        count=cell.count,
        mean=mean,
        low=0.0 if empty else cell.low,
        high=0.0 if empty else cell.high,
        last=cell.last,
        amount=cell.amount,
        estimated=cell.estimated,
        covered_ms=cell.covered_ms,
        reason="+".join(sorted(cell.reasons)),
    )
