"""What a KPI is computed from: the facts of one scope over one period."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from analytics.kpis.facts import DayFacts, Flow, Slots
from caretaker.calendar import SchoolCalendar
from caretaker.config import KpiSettings
from caretaker.tariffs import Tariffs, TariffTable


class KpiPeriod(StrEnum):
    """Over what a KPI is computed; all are cut in the site's zone, terms by its calendar."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TERM = "term"


class ScopeKind(StrEnum):
    """What part of the world a KPI is about; school and district come from campuses' sums."""

    AREA = "area"
    BUILDING = "building"
    CAMPUS = "campus"
    SCHOOL = "school"
    DISTRICT = "district"


class NotEnoughDataError(Exception):
    """A KPI cannot be computed; `reason` is a key of `analytics.kpis.texts.REASONS`."""

    def __init__(self, reason: str, *, coverage: float = 0.0, missing: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.coverage = coverage
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True)
class Scope:
    """The campus, a building, or an area of one site; floor area [m2], 0 where not known."""

    kind: ScopeKind
    id: str
    name: str
    area_m2: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What the site's settings say to the KPIs."""

    calendar: SchoolCalendar
    kpi: KpiSettings = field(default_factory=KpiSettings)
    tariffs: Tariffs = field(default_factory=Tariffs)
    tables: tuple[TariffTable, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """What a flow added up to over the period, with how well it is known."""

    amount: float
    coverage: float
    estimated_share: float
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The facts of one scope over [start_ms, end_ms) as known at `now_ms` [ms UTC].

    `days` are the period's days begun by now; `before` the six days before the first; `similar`
    complete days of the same kind, newest first (for a day or hour only). `settled_ms` is up to
    where data can be expected. `used_before` tells what a utility used in the tier period before.
    """

    scope: Scope
    period: KpiPeriod
    start_ms: int
    end_ms: int
    now_ms: int
    settled_ms: int
    days: tuple[DayFacts, ...]
    rules: Rules
    before: tuple[DayFacts, ...] = ()
    similar: tuple[DayFacts, ...] = ()
    used_before: Callable[[str], float | None] = lambda _utility: 0.0

    @property
    def elapsed_ms(self) -> int:
        """Return the time of the period in which data can be expected by now."""
        return max(0, min(self.end_ms, self.settled_ms) - self.start_ms)

    @property
    def complete(self) -> bool:
        """Whether the period is over and its data can be expected to be there."""
        return self.settled_ms >= self.end_ms

    @property
    def complete_days(self) -> tuple[DayFacts, ...]:
        """Return the days that are over."""
        return tuple(d for d in self.days if d.whole and d.end_ms <= self.settled_ms)

    def whole_days(self) -> "Inputs":
        """Return the part of the period whose days are over; raises when none is."""
        days = self.complete_days
        if len(days) == len(self.days):
            return self
        if not days:
            raise NotEnoughDataError("not-begun")
        return replace(self, days=days, end_ms=days[-1].end_ms)

    def total(self, quantity: str) -> Total:
        """Return what the scope used of a quantity; raises NotEnoughDataError without any data."""
        amount = estimated = covered = 0.0
        seen = False
        missing: dict[str, None] = {}
        for day in self.days:
            flow = day.flows.get(quantity)
            if flow is None:
                continue
            if flow.missing:
                missing |= dict.fromkeys(flow.missing)
            total = flow.total
            if total is not None:
                seen = True
                amount += total
                estimated += flow.estimated_total
                covered += flow.covered_total_ms
        if self.elapsed_ms == 0:
            raise NotEnoughDataError("not-begun", missing=tuple(missing))
        if not seen:
            raise NotEnoughDataError("no-data", missing=tuple(missing))
        return Total(
            amount,
            coverage=min(1.0, covered / self.elapsed_ms),
            estimated_share=estimated / amount if amount > 0 else 0.0,
            missing=tuple(missing),
        )

    def measured(self, quantity: str) -> Slots:
        """Return the measured quarter-hours of a quantity in time order, gaps left out."""
        parts = [day.flows[quantity].measured for day in self.days if quantity in day.flows]
        return np.concatenate(parts) if parts else np.empty(0)

    def flows(self, quantity: str) -> list[tuple[DayFacts, Flow]]:
        """Return each day that has data of a quantity, with its flow."""
        return [
            (day, flow)
            for day in self.days
            if (flow := day.flows.get(quantity)) is not None and flow.total is not None
        ]

    @property
    def pupils(self) -> float:
        """Return the mean number of pupils of the period; raises where none is set."""
        return self._mean([day.pupils for day in self.days])

    @property
    def persons(self) -> float:
        """Return the mean number of pupils and staff (用能人数); raises where none is set."""
        return self._mean([day.pupils + day.staff for day in self.days])

    @property
    def area_m2(self) -> float:
        """Return the floor area; raises where none is set."""
        if self.scope.area_m2 <= 0:
            raise NotEnoughDataError("no-setting")
        return self.scope.area_m2

    @property
    def school_days(self) -> int:
        """Return how many school days the period has had; raises when none."""
        found = sum(1 for day in self.days if day.open_ms is not None)
        if not found:
            raise NotEnoughDataError("no-school-day")
        return found

    @staticmethod
    def _mean(counts: Sequence[int]) -> float:
        if not counts or min(counts) <= 0:
            raise NotEnoughDataError("no-setting")
        return sum(counts) / len(counts)
