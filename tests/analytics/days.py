"""Days of facts made by hand, for tests of KPI rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.kpis.facts import DayFacts, Flow, Slots
from analytics.kpis.inputs import Inputs, KpiPeriod, Rules, Scope, ScopeKind
from analytics.kpis.periods import Span, containing
from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Result, evaluate
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, QUARTER_MS
from caretaker.config import CalendarSettings, Term

SHANGHAI = SchoolCalendar(
    CalendarSettings(terms=(Term(date(2026, 9, 1), date(2027, 1, 22)),)), ZoneInfo("Asia/Shanghai")
)
BERLIN = SchoolCalendar(CalendarSettings(country="DE"), ZoneInfo("Europe/Berlin"))
CAMPUS = Scope(ScopeKind.CAMPUS, "s", "school", area_m2=5_000.0)
RULES = Rules(SHANGHAI)


def flow(amounts: Sequence[float] | Slots, *, covered: float = 1.0, estimated: float = 0.0) -> Flow:
    """Return a flow of these quarter-hours, a share of each covered and of each estimated."""
    values = np.asarray(amounts, dtype=np.float64)
    here = np.where(np.isnan(values), 0.0, 1.0)
    return Flow(values, np.nan_to_num(values) * estimated, here * covered * QUARTER_MS)


def day(
    at: date,
    flows: Mapping[str, Flow],
    *,
    calendar: SchoolCalendar = SHANGHAI,
    pupils: int = 600,
    staff: int = 40,
) -> DayFacts:
    """Return a local day with these flows."""
    start_ms, end_ms = calendar.bounds(at)
    return DayFacts(
        day=at,
        kind=calendar.kind(at),
        start_ms=start_ms,
        end_ms=end_ms,
        open_ms=calendar.open_hours(at),
        pupils=pupils,
        staff=staff,
        flows=flows,
    )


def run_of(first: date, count: int, make: Callable[[int], DayFacts]) -> list[DayFacts]:
    """Return `count` days from `first` on; `make` takes the day's number."""
    return [replace(make(n), day=first + timedelta(days=n)) for n in range(count)]


def inputs(
    days: Sequence[DayFacts],
    *,
    span: Span | None = None,
    period: KpiPeriod = KpiPeriod.DAY,
    rules: Rules = RULES,
    scope: Scope = CAMPUS,
    settled_ms: int = 0,
    before: Sequence[DayFacts] = (),
    similar: Sequence[DayFacts] = (),
) -> Inputs:
    """Return inputs over the days, all settled unless told otherwise."""
    start_ms, end_ms = days[0].start_ms, days[-1].end_ms
    if span is not None:
        start_ms, end_ms = span.start_ms, span.end_ms
    return Inputs(
        scope=scope,
        period=period,
        start_ms=start_ms,
        end_ms=end_ms,
        now_ms=(settled_ms or end_ms) + DAY_MS * (not settled_ms),
        settled_ms=settled_ms or end_ms,
        days=tuple(days),
        rules=rules,
        before=tuple(before),
        similar=tuple(similar),
    )


def value(name: str, found: Inputs) -> Result:
    """Return a KPI of the registry."""
    return evaluate(REGISTRY[name], found)


def month_of(at: date, calendar: SchoolCalendar = SHANGHAI) -> Span:
    """Return the month that holds a day."""
    span = containing(KpiPeriod.MONTH, at, calendar)
    assert span is not None
    return span
