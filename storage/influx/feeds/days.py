"""The school calendar's special days, for annotations: holidays, vacations, make-up days."""

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import date

from caretaker.calendar import DayKind, SchoolCalendar
from caretaker.measurements import CALENDAR_DAY, time_ns
from storage.influx import progress
from storage.influx.lines import Row, series
from storage.influx.names import Names
from storage.influx.port import Moment

_WORDS = {
    "zh-CN": {"holiday": "停课", "vacation": "假期", "makeup": "调休上课"},
    "en": {"holiday": "closed", "vacation": "vacation", "makeup": "make-up school day"},
}
_BACK_DAYS, _AHEAD_DAYS = 400, 370
_SATURDAY = 5


class Days:
    """Feeds the days that are no common school day, a year back and a year ahead."""

    name = "days"
    measurements: tuple[str, ...] = (CALENDAR_DAY.name,)

    def __init__(self, calendar: SchoolCalendar, *, lang: str) -> None:
        self._calendar = calendar
        self._lang = lang
        text = f"{lang} {calendar.settings!r}"
        self.shape = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._sent = date.min.toordinal()
        self._taken = 0
        self._moved = False

    def start(self, connection: sqlite3.Connection) -> None:
        """Take up where the journal says."""
        self._sent, _ = progress.cursor(connection, self.name)
        self._taken, self._moved = 0, False

    def restart(self, connection: sqlite3.Connection) -> None:
        """Send every day again."""
        progress.set_cursor(connection, self.name, 0, self.shape)
        self.start(connection)

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Nothing here carries a device."""

    def take(
        self,
        connection: sqlite3.Connection,
        names: Names,
        *,
        moment: Moment,
        limit: int,
    ) -> list[Row]:
        """Return the special days up to a year ahead that were not sent."""
        today = self._calendar.day_of(moment.now_ms).toordinal()
        first = max(self._sent + 1, today - _BACK_DAYS)
        last = today + _AHEAD_DAYS
        if first > last:
            return []
        self._taken = last
        found = (self._row(date.fromordinal(day), names, moment) for day in range(first, last + 1))
        return [row for row in found if row is not None]

    def _row(self, day: date, names: Names, moment: Moment) -> Row | None:
        kind = self._calendar.kind(day)
        word = {DayKind.HOLIDAY: "holiday", DayKind.VACATION: "vacation"}.get(kind, "")
        if kind is DayKind.TEACHING and day.weekday() >= _SATURDAY:
            word = "makeup"
        start_ms, _ = self._calendar.bounds(day)
        if not word or start_ms < moment.horizon_ms:
            return None
        name = self._calendar.holiday_name(day, self._lang) if word == "holiday" else ""
        name = name or _WORDS.get(self._lang, _WORDS["en"])[word]
        head = series(CALENDAR_DAY.name, {"site": names.site, "kind": word, "name": name})
        return Row(f"{head} day=1.0 {time_ns(start_ms)}", start_ms)

    def settle(self) -> None:
        """Remember up to which day was sent."""
        if self._taken:
            self._sent, self._taken, self._moved = self._taken, 0, True

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Write the day."""
        if not self._moved:
            return False
        progress.set_cursor(connection, self.name, self._sent, self.shape)
        self._moved = False
        return True
