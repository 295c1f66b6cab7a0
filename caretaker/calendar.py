"""When the school is open: terms of the site, holidays and make-up days of the country."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from caretaker.clock import from_ms, to_ms
from caretaker.config import CalendarSettings

_SATURDAY = 5
_MAKE_UP_COUNTRIES = frozenset({"CN"})


class DayKind(StrEnum):
    """What sort of day it is; usual days are compared within one kind."""

    TEACHING = "teaching"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    VACATION = "vacation"


@lru_cache(maxsize=64)
def _national(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Return (days off, weekend days that are worked) of a country's year."""
    found = holidays.country_holidays(country, years=year)
    return frozenset(found), frozenset(day for day in found.weekend_workdays if day.year == year)


@lru_cache(maxsize=64)
def _names(country: str, year: int, lang: str) -> dict[date, str]:
    """Return the names of a country's days off in a language, or in its own."""
    language = lang.replace("-", "_") if lang != "en" else "en_US"
    plain = holidays.country_holidays(country, years=year)
    if language not in plain.supported_languages:
        return dict(plain)
    return dict(holidays.country_holidays(country, years=year, language=language))


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """Knows every day's kind, from the site's own table before the national one.

    >>> calendar = SchoolCalendar(CalendarSettings(), ZoneInfo("Asia/Shanghai"))
    >>> [str(calendar.kind(date(2026, 10, day))) for day in (1, 9, 10, 11)]
    ['holiday', 'teaching', 'teaching', 'weekend']
    """

    settings: CalendarSettings
    zone: ZoneInfo
    _kinds: dict[date, DayKind] = field(default_factory=dict, compare=False, repr=False)
    _bounds: dict[date, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)

    def day_of(self, at_ms: int) -> date:
        """Return the local day of an instant [ms UTC]."""
        return from_ms(at_ms).astimezone(self.zone).date()

    def bounds(self, day: date) -> tuple[int, int]:
        """Return a local day as [start, end) [ms UTC]; 23 or 25 hours where clocks change."""
        found = self._bounds.get(day)
        if found is None:
            following = day + timedelta(days=1)
            found = self._instant(day, time()), self._instant(following, time())
            self._bounds[day] = found
        return found

    def kind(self, day: date) -> DayKind:
        """Return what sort of day it is."""
        found = self._kinds.get(day)
        if found is None:
            found = self._kinds[day] = self._kind(day)
        return found

    def public_kind(self, day: date) -> str:
        """Return workday, weekend or holiday by the national calendar, whatever the school does.

        >>> calendar = SchoolCalendar(CalendarSettings(), ZoneInfo("Asia/Shanghai"))
        >>> [calendar.public_kind(date(2026, 10, day)) for day in (1, 9, 10, 11)]
        ['holiday', 'workday', 'workday', 'weekend']
        """
        off, worked = _national(self.settings.country, day.year)
        if day in worked:
            return "workday"
        if day in off:
            return "holiday"
        return "weekend" if day.weekday() >= _SATURDAY else "workday"

    def holiday_name(self, day: date, lang: str) -> str:
        """Return what a national day off is called, '' for any other day.

        >>> calendar = SchoolCalendar(CalendarSettings(), ZoneInfo("Asia/Shanghai"))
        >>> calendar.holiday_name(date(2026, 1, 1), "zh-CN")
        '元旦'
        >>> calendar.holiday_name(date(2026, 1, 2), "zh-CN"), calendar.holiday_name(day=date(
        ...     2026, 1, 5), lang="en")
        ('休息日', '')
        """
        name = _names(self.settings.country, day.year, lang).get(day, "")
        return name.partition("（")[0].partition(" (")[0]

    def open_hours(self, day: date) -> tuple[int, int] | None:
        """Return when the school is open on a day as [start, end) [ms UTC], or None."""
        if self.kind(day) is not DayKind.TEACHING:
            return None
        return self._instant(day, self.settings.opens), self._instant(day, self.settings.closes)

    def is_open(self, at_ms: int) -> bool:
        """Return whether the school is open at an instant [ms UTC]."""
        hours = self.open_hours(self.day_of(at_ms))
        return hours is not None and hours[0] <= at_ms < hours[1]

    def week_number(self, day: date) -> int | None:
        """Return the week of the term, the first is 1; None outside terms.

        >>> from caretaker.config import Term
        >>> term = Term(date(2026, 9, 1), date(2027, 1, 22))
        >>> calendar = SchoolCalendar(CalendarSettings(terms=(term,)), ZoneInfo("Asia/Shanghai"))
        >>> calendar.week_number(date(2026, 9, 6)), calendar.week_number(date(2026, 9, 7))
        (1, 2)
        """
        for term in self.settings.terms:
            if term.start <= day <= term.end:
                monday = term.start - timedelta(days=term.start.weekday())
                return (day - monday).days // 7 + 1
        return None

    def provisional(self, year: int) -> bool:
        """Return whether a year's make-up working days are not published yet.

        >>> calendar = SchoolCalendar(CalendarSettings(), ZoneInfo("Asia/Shanghai"))
        >>> calendar.provisional(2026), calendar.provisional(2040)
        (False, True)
        """
        country = self.settings.country
        return country in _MAKE_UP_COUNTRIES and not _national(country, year)[1]

    def _instant(self, day: date, at: time) -> int:
        return to_ms(datetime.combine(day, at, tzinfo=self.zone))

    def _kind(self, day: date) -> DayKind:
        settings = self.settings
        if day in settings.opened:
            return DayKind.TEACHING
        if day in settings.closed:
            return DayKind.HOLIDAY
        if settings.terms and not any(term.start <= day <= term.end for term in settings.terms):
            return DayKind.VACATION
        off, worked = _national(settings.country, day.year)
        if day in worked:
            return DayKind.TEACHING
        if day in off:
            return DayKind.HOLIDAY
        return DayKind.WEEKEND if day.weekday() >= _SATURDAY else DayKind.TEACHING
