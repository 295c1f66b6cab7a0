"""Hours, days, weeks, months and terms, cut in the site's zone and by its calendar."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from analytics.kpis.inputs import KpiPeriod
from caretaker.calendar import SchoolCalendar
from caretaker.clock import HOUR_MS

_WEEK = timedelta(days=7)
_YEAR = timedelta(days=364)  # 52 weeks: the same weekday
_TERM_SLACK = timedelta(days=60)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One period: its first and last local day, and [start_ms, end_ms) [ms UTC]."""

    period: KpiPeriod
    start_ms: int
    end_ms: int
    first: date
    last: date


def span(period: KpiPeriod, first: date, last: date, calendar: SchoolCalendar) -> Span:
    """Return the span of whole local days."""
    return Span(period, calendar.bounds(first)[0], calendar.bounds(last)[1], first, last)


def hours(day: date, calendar: SchoolCalendar) -> list[Span]:
    """Return the hours of a local day: 23, 24 or 25."""
    start_ms, end_ms = calendar.bounds(day)
    return [
        Span(KpiPeriod.HOUR, at_ms, min(at_ms + HOUR_MS, end_ms), day, day)
        for at_ms in range(start_ms, end_ms, HOUR_MS)
    ]


def containing(period: KpiPeriod, day: date, calendar: SchoolCalendar) -> Span | None:
    """Return the day, week, month or term that holds a day; None outside every term.

    >>> from zoneinfo import ZoneInfo
    >>> from caretaker.config import CalendarSettings
    >>> calendar = SchoolCalendar(CalendarSettings(), ZoneInfo("Asia/Shanghai"))
    >>> found = containing(KpiPeriod.WEEK, date(2026, 11, 25), calendar)
    >>> str(found.first), str(found.last)
    ('2026-11-23', '2026-11-29')
    """
    if period is KpiPeriod.DAY:
        return span(period, day, day, calendar)
    if period is KpiPeriod.WEEK:
        monday = day - timedelta(days=day.weekday())
        return span(period, monday, monday + timedelta(days=6), calendar)
    if period is KpiPeriod.MONTH:
        first = day.replace(day=1)
        return span(period, first, _next_month(first) - timedelta(days=1), calendar)
    for term in calendar.settings.terms:
        if term.start <= day <= term.end:
            return span(period, term.start, term.end, calendar)
    return None


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def previous(found: Span, calendar: SchoolCalendar) -> Span | None:
    """Return what a period is compared with: same weekday last week, else the period before."""
    if found.period in {KpiPeriod.HOUR, KpiPeriod.DAY}:
        return _moved(found, _WEEK, calendar)
    if found.period is KpiPeriod.TERM:
        before = [term for term in calendar.settings.terms if term.end < found.first]
        last = max(before, key=lambda term: term.end, default=None)
        return None if last is None else span(found.period, last.start, last.end, calendar)
    return containing(found.period, found.first - timedelta(days=1), calendar)


def year_before(found: Span, calendar: SchoolCalendar) -> Span | None:
    """Return the matching period a year before: 52 weeks, the same month, the same term."""
    if found.period is KpiPeriod.MONTH:
        first = found.first.replace(year=found.first.year - 1)
        return containing(KpiPeriod.MONTH, first, calendar)
    if found.period is KpiPeriod.TERM:
        wanted = found.first - timedelta(days=365)
        near = min(calendar.settings.terms, key=lambda term: abs(term.start - wanted), default=None)
        if near is None or abs(near.start - wanted) > _TERM_SLACK:
            return None
        return span(found.period, near.start, near.end, calendar)
    return _moved(found, _YEAR, calendar)


def _moved(found: Span, back: timedelta, calendar: SchoolCalendar) -> Span | None:
    first, last = found.first - back, found.last - back
    if found.period is not KpiPeriod.HOUR:
        return span(found.period, first, last, calendar)
    start_ms, end_ms = calendar.bounds(first)
    at_ms = start_ms + found.start_ms - calendar.bounds(found.first)[0]
    if at_ms >= end_ms:
        return None
    return Span(KpiPeriod.HOUR, at_ms, min(at_ms + HOUR_MS, end_ms), first, first)


def touched(days: Iterable[date], calendar: SchoolCalendar) -> list[Span]:
    """Return every hour, day, week, month and term that holds one of the days, in order."""
    found: dict[Span, None] = {}
    for day in sorted(days):
        found |= dict.fromkeys(hours(day, calendar))
        for period in KpiPeriod:
            whole = containing(period, day, calendar) if period is not KpiPeriod.HOUR else None
            if whole is not None:
                found[whole] = None
    return list(found)
