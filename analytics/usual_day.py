"""A usual day: what days of the same kind did, as median and band per slot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from caretaker.calendar import DayKind

MINIMUM_DAYS = 5
SIMILAR_DAYS = 20
PAST_DAYS = 90
"""At most 20 similar days are compared with, none older than 90 days."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual amount of one slot, or of a day so far [canonical unit]: P10, median, P90."""

    low: float
    median: float
    high: float


def similar(days: Sequence[T], kind_of: Callable[[T], DayKind], kind: DayKind) -> list[T]:
    """Return the newest of `days` (newest first) that are of a kind, at most 20.

    All closed days together stand in for a closed kind of which there are under five.

    >>> kinds = [DayKind.TEACHING, DayKind.WEEKEND, DayKind.HOLIDAY]
    >>> [str(kind) for kind in similar(kinds, lambda k: k, DayKind.HOLIDAY)]
    ['weekend', 'holiday']
    """
    same = [day for day in days if kind_of(day) is kind]
    if len(same) < MINIMUM_DAYS and kind is not DayKind.TEACHING:
        same = [day for day in days if kind_of(day) is not DayKind.TEACHING]
    return same[:SIMILAR_DAYS]


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile by linear interpolation (Hyndman-Fan type 7).

    >>> quantile([0.0, 10.0], 0.9)
    9.0
    """
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    index = int(position)
    following = ordered[min(index + 1, len(ordered) - 1)]
    return ordered[index] + (position - index) * (following - ordered[index])


def usual(values: Sequence[float]) -> Usual | None:
    """Return the usual amount by the same slot of similar days; None under five days.

    >>> usual([1.0, 2.0, 3.0, 4.0, 100.0]).median
    3.0
    >>> usual([1.0, 2.0]) is None
    True
    """
    if len(values) < MINIMUM_DAYS:
        return None
    return Usual(quantile(values, 0.1), median(values), quantile(values, 0.9))


def usual_slots(days: Sequence[Sequence[float | None]], slots: int) -> list[Usual | None]:
    """Return the usual amount of each slot; a missing slot of a day is left out, not zero.

    >>> usual_slots([[1.0, None]] * 5, 2)
    [Usual(low=1.0, median=1.0, high=1.0), None]
    """
    return [
        usual([value for day in days if (value := day[slot]) is not None]) for slot in range(slots)
    ]


def so_far(days: Sequence[Sequence[float | None]], slots: float) -> list[float]:
    """Return what each complete enough day had used after `slots` slots, part slots in proportion.

    >>> so_far([[2.0, 4.0]], 1.5)
    [4.0]
    """
    whole, part = int(slots), slots - int(slots)
    result = []
    for day in days:
        needed = day[: whole + (1 if part else 0)]
        if any(value is None for value in needed):
            continue
        total = sum(value or 0.0 for value in day[:whole])
        if part:
            total += part * (day[whole] or 0.0)
        result.append(total)
    return result
