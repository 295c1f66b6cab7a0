"""Facts by day, loaded when first asked for and kept for the next run."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta

from analytics.kpi_job.load import load_days
from analytics.kpi_job.places import Place
from analytics.kpis.facts import DayFacts
from caretaker.calendar import SchoolCalendar
from caretaker.config import SiteSettings

_LOAD_DAYS = 62
_KEEP_DAYS = 800
Reader = Callable[[], AbstractContextManager[sqlite3.Connection]]


class FactBook:
    """Knows what each place did on each day from `first` on; each read is short."""

    def __init__(
        self,
        reader: Reader,
        found: Sequence[Place],
        *,
        site: SiteSettings,
        calendar: SchoolCalendar,
        first: date,
    ) -> None:
        self.places = tuple(found)
        self.first = first
        self.settled_ms = 0
        self.last = first
        self._reader = reader
        self._site = site
        self._calendar = calendar
        self._days: dict[date, dict[tuple[str, str], DayFacts]] = {}

    def forget(self, days: Iterable[date]) -> None:
        """Load these days anew when they are asked for again; and not hold too many."""
        for day in days:
            self._days.pop(day, None)
        for day in sorted(self._days)[:-_KEEP_DAYS]:
            del self._days[day]

    def days(self, place: Place, first: date, last: date) -> tuple[DayFacts, ...]:
        """Return a place's days in [first, last], those before any data and after now left out."""
        first, last = max(first, self.first), min(last, self.last)
        if first > last:
            return ()
        if first == last and first in self._days:
            return (self._days[first][place.key],)
        wanted = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        missing = [day for day in wanted if day not in self._days]
        if missing:
            self._load(missing)
        return tuple(self._days[day][place.key] for day in wanted)

    def _load(self, missing: Sequence[date]) -> None:
        start = missing[0]
        for index, day in enumerate(missing):
            following = missing[index + 1] if index + 1 < len(missing) else None
            ends = following != day + timedelta(days=1) or (day - start).days + 1 >= _LOAD_DAYS
            if ends:
                with self._reader() as connection:
                    self._days |= load_days(
                        connection,
                        self.places,
                        first=start,
                        last=day,
                        site=self._site,
                        calendar=self._calendar,
                        settled_ms=self.settled_ms,
                    )
                start = following or day
