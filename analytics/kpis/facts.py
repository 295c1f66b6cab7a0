"""What one scope did on one local day, as every KPI reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from caretaker.calendar import DayKind
from caretaker.clock import QUARTER_MS
from caretaker.vocabulary import Severity

Slots = NDArray[np.float64]

_MEASURED = 0.9
"""Share of a quarter-hour with data from which it counts as measured, not spread over a gap."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What a scope's meters of one quantity moved by quarter-hour from midnight [canonical unit].

    `amounts` is NaN where no meter has data; `covered_ms` is the time with data of the meter that
    has least; `missing` names meters without any data.
    """

    amounts: Slots
    estimated: Slots
    covered_ms: Slots
    missing: tuple[str, ...] = ()
    total: float | None = field(init=False)
    """The amount, None without any data."""
    estimated_total: float = field(init=False)
    covered_total_ms: float = field(init=False)

    def __post_init__(self) -> None:
        known = self.amounts[self.amounts == self.amounts]
        object.__setattr__(self, "total", float(known.sum()) if known.size else None)
        object.__setattr__(self, "estimated_total", float(self.estimated.sum()))
        object.__setattr__(self, "covered_total_ms", float(self.covered_ms.sum()))

    @property
    def measured(self) -> Slots:
        """Return the amounts of the quarter-hours that were measured, in time order."""
        found: Slots = self.amounts[self._is_measured()]
        return found

    def _is_measured(self) -> NDArray[np.bool_]:
        enough = self.covered_ms >= _MEASURED * QUARTER_MS
        return np.asarray(enough & ~np.isnan(self.amounts), dtype=np.bool_)

    @property
    def measured_or_nan(self) -> Slots:
        """Return the amounts, NaN where a quarter-hour was not measured."""
        found: Slots = np.where(self._is_measured(), self.amounts, np.nan)
        return found

    def cut(self, first: int, last: int) -> "Flow":
        """Return the quarter-hours [first, last)."""
        return Flow(
            self.amounts[first:last],
            self.estimated[first:last],
            self.covered_ms[first:last],
            self.missing,
        )


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of one incident that opened on the day [ms UTC]; None: not yet."""

    opened_ms: int
    severity: Severity
    acknowledged_ms: int | None = None
    recovered_ms: int | None = None
    closed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Leak:
    """A time of the day in which water ran that should not: [start, end) [ms UTC], L/h."""

    start_ms: int
    end_ms: int
    flow_l_h: float


@dataclass(frozen=True, slots=True, eq=False)
class DayFacts:
    """One local day of one scope.

    `below` holds the flows of the meters directly under the scope's topmost ones. `compliant_min`,
    `monitored_min` and `required_min` are minutes of cold storage; `covered_ms` and `expected_ms`
    add up devices.
    """

    day: date
    kind: DayKind
    start_ms: int
    end_ms: int
    open_ms: tuple[int, int] | None = None
    pupils: int = 0
    staff: int = 0
    flows: Mapping[str, Flow] = field(default_factory=dict)
    below: Mapping[str, Flow] = field(default_factory=dict)
    compliant_min: float = 0.0
    monitored_min: float = 0.0
    required_min: float = 0.0
    covered_ms: int = 0
    expected_ms: int = 0
    clocks: tuple[Clock, ...] = ()
    leaks: tuple[Leak, ...] = ()
    whole: bool = True
    """False for the part of a day that `cut` returns."""

    @property
    def slots(self) -> int:
        """Return how many quarter-hours the day has: 96, or 92 and 100 where clocks change."""
        return (self.end_ms - self.start_ms) // QUARTER_MS

    @property
    def open_slots(self) -> tuple[int, int]:
        """Return the quarter-hours [first, last) in which the school is open."""
        if self.open_ms is None:
            return 0, 0
        first = (self.open_ms[0] - self.start_ms) // QUARTER_MS
        last = -(-(self.open_ms[1] - self.start_ms) // QUARTER_MS)
        return max(0, first), min(self.slots, last)

    def cut(self, first: int, last: int) -> "DayFacts":
        """Return the quarter-hours [first, last) of the day's flows, for an hour or a day so far.

        Only flows have quarter-hours; the rest stays that of the day.
        """
        if first == 0 and last >= self.slots:
            return self
        return DayFacts(
            day=self.day,
            kind=self.kind,
            start_ms=self.start_ms + first * QUARTER_MS,
            end_ms=min(self.end_ms, self.start_ms + last * QUARTER_MS),
            open_ms=self.open_ms,
            pupils=self.pupils,
            staff=self.staff,
            flows={name: flow.cut(first, last) for name, flow in self.flows.items()},
            below={name: flow.cut(first, last) for name, flow in self.below.items()},
            compliant_min=self.compliant_min,
            monitored_min=self.monitored_min,
            required_min=self.required_min,
            covered_ms=self.covered_ms,
            expected_ms=self.expected_ms,
            clocks=self.clocks,
            leaks=self.leaks,
            whole=False,
        )
