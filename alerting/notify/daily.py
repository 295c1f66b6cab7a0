"""The daily note: so that silence is never mistaken for safety."""

import sqlite3
from datetime import date, time

from alerting.notify.oncall import on_call
from alerting.notify.route import first_channel
from alerting.texts import daily_text
from caretaker.calendar import SchoolCalendar
from caretaker.clock import Clock, from_ms
from caretaker.config import SiteSettings
from storage import devices as device_records
from storage import incidents, notes, outbox
from storage.journal import Journal

_KEY = "daily_note"


class DailyNote:
    """Says once a day how many sensors spoke, when the last did, and what is open."""

    def __init__(self, journal: Journal, site: SiteSettings, *, clock: Clock) -> None:
        self._journal = journal
        self._site = site
        self._clock = clock
        self._calendar = SchoolCalendar(site.calendar, site.zone)

    def look(self) -> bool:
        """Queue the note when its time of day has come; return whether it was queued."""
        at = self._site.watchdog.daily_note
        now_ms = self._clock.now_ms()
        local = from_ms(now_ms).astimezone(self._site.zone)
        if at == time() or local.time() < at:
            return False
        with self._journal.reader() as connection:
            if self._last(connection) == local.date():  # a later one was sent by a wrong clock
                return False
        return self._journal.call(lambda c: self._queue(c, local.date(), now_ms=now_ms))

    @staticmethod
    def _last(connection: sqlite3.Connection) -> date:
        row = connection.execute("SELECT value FROM setting WHERE key = ?", (_KEY,)).fetchone()
        return date.fromisoformat(row[0]) if row else date.min

    def _queue(self, connection: sqlite3.Connection, day: date, *, now_ms: int) -> bool:
        connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (_KEY, day.isoformat()))
        title, body = self.words(connection, now_ms=now_ms)
        kind = f"daily-{day.isoformat()}"
        notes.keep(connection, kind, title=title, body=body)
        for channel, person, level in self._recipients(now_ms):
            outbox.queue(
                connection, incident=0, kind=kind, channel=channel, person=person, level=level,
                now_ms=now_ms,
            )  # fmt: skip
        return True

    def _recipients(self, now_ms: int) -> list[tuple[str, str, int]]:
        site = self._site
        if not site.people:
            # A siren is not for good news.
            return [(c.name, "", 0) for c in site.channels if c.kind != "mqtt"]
        lowest = min(person.level for person in site.people)
        people, _ = on_call(site, self._calendar, levels=(lowest,), now_ms=now_ms)
        return [(first_channel(p, site, "notice"), p.id, p.level) for p in people]

    def words(self, connection: sqlite3.Connection, *, now_ms: int) -> tuple[str, str]:
        """Return (title, body) of the note as of now."""
        devices = device_records.devices(connection, status="adopted")
        newest = dict(
            connection.execute(
                "SELECT p.device, max(l.at_ms) FROM latest AS l JOIN point AS p ON p.id = l.point"
                " WHERE l.at_ms <= ? GROUP BY p.device",
                (now_ms + 60_000,),
            ).fetchall()
        )
        silent = {
            item.device
            for item in incidents.listing(connection, state="open", limit=10_000)
            if item.rule == "device_silent" and item.state != incidents.RECOVERING
        }
        heard = [d for d in devices if d.id in newest and d.id not in silent]
        quiet = [d.name or d.key for d in devices if d not in heard]
        last_ms = max((newest[d.id] for d in heard), default=None)
        calling = [
            item
            for item in incidents.listing(connection, state="open", limit=10_000)
            if item.state in {incidents.FIRING, incidents.ACKNOWLEDGED}
        ]
        return daily_text(
            lang=self._site.lang,
            site=self._site.name,
            heard=len(heard),
            total=len(devices),
            age_min=None if last_ms is None else max(0, round((now_ms - last_ms) / 60_000)),
            quiet=quiet,
            calling=len(calling),
        )
