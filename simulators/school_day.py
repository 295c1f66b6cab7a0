"""What happens at the school minute by minute: people, breaks, meals, by the school calendar."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from caretaker.calendar import DayKind, SchoolCalendar
from caretaker.clock import MINUTE_MS
from simulators.weather import Values, outdoor_c

_BREAKS = (
    (8 * 60 + 40, 10),
    (9 * 60 + 30, 25),
    (10 * 60 + 35, 10),
    (11 * 60 + 25, 70),
    (13 * 60 + 40, 10),
    (14 * 60 + 30, 15),
    (15 * 60 + 25, 10),
    (16 * 60 + 10, 20),
)
"""(start [minute of the day], length [min]) of the breaks of a primary school."""


def ramp(minute: Values, *points: tuple[float, float]) -> Values:
    """Return the broken line through (minute of the day, value) points.

    >>> ramp(np.array([0.0, 30.0, 60.0]), (0, 0.0), (60, 1.0)).tolist()
    [0.0, 0.5, 1.0]
    """
    result: Values = np.interp(minute, [p[0] for p in points], [p[1] for p in points])
    return result


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """One local day in minutes: every array has a value for each minute [share 0..1, degC]."""

    day: date
    kind: DayKind
    start_ms: int
    at_ms: Values
    minute: Values
    present: Values
    breaks: Values
    kitchen: Values
    dark: Values
    outdoor_c: Values

    @property
    def minutes(self) -> int:
        """How many minutes the day has."""
        return len(self.minute)


def school_day(day: date, *, calendar: SchoolCalendar, seed: int) -> SchoolDay:
    """Return what goes on at the school on a day."""
    start_ms, end_ms = calendar.bounds(day)
    count = (end_ms - start_ms) // MINUTE_MS
    minute = np.arange(count, dtype=np.float64)
    at_ms = start_ms + minute * MINUTE_MS
    kind = calendar.kind(day)
    none = np.zeros(count)
    if kind is DayKind.TEACHING:
        present = ramp(minute, (410, 0.0), (420, 0.05), (465, 1.0), (960, 1.0), (1000, 0.35),
                       (1050, 0.12), (1080, 0.03), (1095, 0.0))  # fmt: skip
        breaks = none.copy()
        for start, length in _BREAKS:
            breaks[start : start + length] = 1.0
        kitchen = ramp(minute, (350, 0.0), (370, 0.5), (480, 0.7), (570, 1.0), (690, 0.9),
                       (750, 0.4), (810, 0.15), (840, 0.0))  # fmt: skip
    else:
        present, breaks, kitchen = none, none.copy(), none.copy()
    dark = np.where((minute < 6 * 60) | (minute >= 18 * 60), 1.0, 0.0)
    return SchoolDay(
        day=day,
        kind=kind,
        start_ms=start_ms,
        at_ms=at_ms,
        minute=minute,
        present=present,
        breaks=breaks,
        kitchen=kitchen,
        dark=dark,
        outdoor_c=outdoor_c(at_ms, seed=seed),
    )
