"""The job that keeps KPI values up to date: what changed is computed again, nothing else."""

import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from itertools import pairwise

from analytics.kpi_job.book import FactBook
from analytics.kpi_job.compute import Calculator
from analytics.kpi_job.pace import Pace
from analytics.kpi_job.places import COUNTED, Bands, Place, places
from analytics.kpis.inputs import KpiPeriod, Rules
from analytics.kpis.periods import Span, containing, touched
from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Kpi
from analytics.usual_day import PAST_DAYS
from caretaker.calendar import SchoolCalendar
from caretaker.clock import QUARTER_MS, Clock
from caretaker.config import SiteSettings, Target
from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Device, Point
from storage import devices as records
from storage import kpi as kept
from storage.journal import Journal
from storage.kpi import KpiValue, Mark

_SLICE_DAYS = 62
_WRITE_ROWS = 500
_PAUSE = 9.0  # times as long as a run computed: a past that changes all the time is no reason
_LONGEST_PAUSE_S = 300.0
_FINGERPRINT, _SETTLED = "kpi.fingerprint", "kpi.settled_ms"


def check_targets(targets: Iterable[Target], kpis: Mapping[str, Kpi], *, file: str) -> None:
    """Raise ConfigurationError for a target of a KPI or period that does not exist."""
    for index, target in enumerate(targets):
        kpi = kpis.get(target.kpi)
        periods = [] if kpi is None else [period.value for period in kpi.periods]
        if kpi is None or target.period not in periods:
            raise ConfigurationError(
                file=file,
                key=f"target[{index}].{'kpi' if kpi is None else 'period'}",
                problem=f"{target.kpi!r} is no KPI"
                if kpi is None
                else f"{target.kpi} has no period {target.period!r}",
                remedy="docs/kpis.md and `caretaker kpi list` name them."
                if kpi is None
                else f"Use {', '.join(periods)}.",
            )


def settled(now_ms: int) -> int:
    """Return up to where data can be there [ms UTC]: the quarter-hour before the running one's.

    >>> settled(60 * 60_000 + 1), settled(74 * 60_000)
    (2700000, 2700000)
    """
    return now_ms - now_ms % QUARTER_MS - QUARTER_MS


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the journal says at the start of a run."""

    marks: list[Mark]
    devices: list[Device]
    points: list[Point]
    first_ms: int | None
    fingerprint: str
    settled_ms: int


class KpiJob:
    """Computes KPI values from the journal's rollups into its table `kpi_value`.

    A run that is killed is done again from the marks it left; the writer is asked for short
    transactions only. `run_once` is the whole work, `start` repeats it in a thread.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        site: SiteSettings,
        calendar: SchoolCalendar,
        clock: Clock,
        bands: Bands,
        kpis: Mapping[str, Kpi] = REGISTRY,
        file: str = "site.toml",
        every_s: float = 30.0,
    ) -> None:
        check_targets(site.targets, kpis, file=file)
        self.failing = ""
        self.runs = 0
        """How many runs of the thread came to their end."""
        self._journal = journal
        self._site = site
        self._calendar = calendar
        self._clock = clock
        self._bands = bands
        self._kpis = kpis
        self._every_s = every_s
        self._rules = Rules(calendar, site.kpi, site.tariffs, site.tariff_tables)
        self._book: FactBook | None = None
        self._topology = ""
        self._ended = threading.Event()
        self._pace = Pace(lambda: journal.taken, self._ended)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run again and again in a thread of its own."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="kpis", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the slice under way; what is left is done after the next start."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(30)
            self._thread = None

    @property
    def alive(self) -> bool:
        """Whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def check(self) -> tuple[str, bool, str, str]:
        """Return (part, ok, value, remedy) as the system's checks show it."""
        well = self.alive and not self.failing
        value = self.failing or ("at work" if well else "stopped")
        return (
            "kpis",
            well,
            value,
            "" if well else "KPIs wait; readings and alerts are not touched.",
        )

    def _run(self) -> None:
        while True:
            began_s = time.thread_time()
            self._pace.begin()
            try:
                self.run_once()
                self.failing = ""
                self.runs += 1
            except Exception as error:
                # KPIs are derived: whatever is wrong here must not stop what watches the school.
                self.failing = f"{type(error).__name__}: {error}"
            pause_s = min(_PAUSE * (time.thread_time() - began_s), _LONGEST_PAUSE_S)
            if self._ended.wait(max(self._every_s, pause_s)):
                return

    def run_once(self) -> int:
        """Compute what changed since the last run; return how many values were written."""
        now_ms = self._clock.now_ms()
        settled_ms = settled(now_ms)
        seen = self._look()
        if seen.first_ms is None or seen.first_ms >= settled_ms:
            return 0
        calendar = self._calendar
        first, today = calendar.day_of(seen.first_ms), calendar.day_of(settled_ms)
        found = places(seen.devices, seen.points, site=self._site, bands=self._bands)
        fingerprint = self._fingerprint(seen.devices, seen.points)
        if fingerprint != seen.fingerprint:
            self._begin_anew(found, fingerprint, first, today)
            seen = self._look()
        book = self._bound(found, fingerprint, first)
        known = min(max(first, calendar.day_of(seen.settled_ms)), today)
        running = set(_days(known, today))
        marked = {day for m in seen.marks if (day := calendar.day_of(m.at_ms)) <= today}
        if settled_ms == seen.settled_ms and marked <= {today}:
            return 0  # today's newest quarter-hours count when they are over
        book.settled_ms, book.last = settled_ms, today
        book.forget(marked | running)
        changed = {max(day, first) for day in marked} | running
        written = 0
        for spans in self._slices(changed, first, today):
            calculator = Calculator(
                book,
                self._rules,
                self._kpis,
                targets=self._site.targets,
                now_ms=now_ms,
                settled_ms=settled_ms,
            )
            for place in found:
                written += self._write(place, spans, calculator)
                if self._ended.is_set() and self._thread is not None:
                    return written
        self._journal.call(lambda connection: self._finish(connection, seen.marks, settled_ms))
        return written

    # -- what to compute ----------------------------------------------------------------------

    def _look(self) -> _Seen:
        with self._journal.reader() as connection:
            settings = dict(
                tuple(row)
                for row in connection.execute(
                    "SELECT key, value FROM setting WHERE key IN (?, ?)", (_FINGERPRINT, _SETTLED)
                )
            )
            ours = [d for d in records.devices(connection) if d.status in COUNTED]
            ids = {device.id for device in ours}
            points = [p for p in records.points(connection) if p.device in ids]
            firsts = [
                row[0]
                for point in points
                for row in connection.execute(
                    "SELECT min(start_ms) FROM rollup WHERE point = ? AND period = 'day'",
                    (point.id,),
                )
                if row[0] is not None
            ]
            return _Seen(
                kept.marks(connection),
                ours,
                points,
                min(firsts, default=None),
                settings.get(_FINGERPRINT, ""),
                int(settings.get(_SETTLED, 0)),
            )

    def _fingerprint(self, devices: Sequence[Device], points: Sequence[Point]) -> str:
        """Return what all values depend on besides readings; a change computes the past anew."""
        site = self._site
        said = (
            [(k.name, k.version) for k in self._kpis.values()],
            (site.id, str(site.zone), site.pupils, site.staff, site.area_m2),
            (site.buildings, site.areas, site.calendar, site.tariffs, site.tariff_tables),
            (site.kpi, site.targets, site.limits, site.overrides, site.profile),
            [
                (d.id, d.role, d.building, d.area, d.parent, d.status, sorted(d.limits.items()))
                for d in devices
            ],
            [(p.id, p.device, p.channel, p.quantity) for p in points],
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()

    def _begin_anew(
        self, found: Sequence[Place], fingerprint: str, first: date, last: date
    ) -> None:
        """Mark the whole past, and say of values nobody computes any more that they are gone."""
        starts = [self._calendar.bounds(day)[0] for day in _days(first, last)]
        valid = {
            (*place.key, kpi.name)
            for place in found
            for kpi in self._kpis.values()
            if place.scope.kind in kpi.scopes and place.has.issuperset(kpi.needs)
        }

        def work(connection: sqlite3.Connection) -> None:
            kept.retire(connection, valid)
            kept.mark_all(connection, starts)
            _remember(connection, _FINGERPRINT, fingerprint)

        self._journal.call(work)

    def _bound(self, found: Sequence[Place], fingerprint: str, first: date) -> FactBook:
        """Return the facts known from the last run, or begin anew when places changed."""
        if self._book is None or self._topology != fingerprint or first < self._book.first:
            self._book = FactBook(
                self._journal.reader,
                found,
                site=self._site,
                calendar=self._calendar,
                first=first,
            )
            self._topology = fingerprint
        return self._book

    def _slices(self, changed: set[date], first: date, today: date) -> Iterator[list[Span]]:
        """Yield the periods that changed days reach, the newest first, each once.

        Later days compare themselves with a changed one: by the usual band for ninety days, a
        year later, and through use in the same tier period.
        """
        reach = PAST_DAYS
        if any(table.tiers for table in self._site.tariff_tables):
            reach = 366
        days: set[date] = set()
        for day in changed:
            days |= set(_days(day, min(day + timedelta(days=reach), today)))
            days |= {day + timedelta(days=n) for n in (364, 365) if day < today - timedelta(n)}
        done: set[Span] = set()
        for later in self._next_terms(changed, today):
            done.add(later)
            yield [later]
        ordered = sorted((day for day in days if first <= day <= today), reverse=True)
        for index in range(0, len(ordered), _SLICE_DAYS):
            spans = [
                span
                for span in touched(ordered[index : index + _SLICE_DAYS], self._calendar)
                if span not in done
            ]
            done |= set(spans)
            yield spans

    def _next_terms(self, changed: Iterable[date], today: date) -> list[Span]:
        """Return the terms that are compared with a term of a changed day."""
        calendar = self._calendar
        terms = sorted(calendar.settings.terms, key=lambda term: term.start)
        held = {containing(KpiPeriod.TERM, day, calendar) for day in changed}
        return [
            after
            for before, following in pairwise(terms)
            if following.start <= today
            and containing(KpiPeriod.TERM, before.start, calendar) in held
            and (after := containing(KpiPeriod.TERM, following.start, calendar)) is not None
        ]

    # -- writing ------------------------------------------------------------------------------

    def _write(self, place: Place, spans: Sequence[Span], calculator: Calculator) -> int:
        """Write those values of the place that differ from what is stored."""
        stored = self._stored(place, spans)
        fresh: list[KpiValue] = []
        for span in spans:
            fresh += [
                value
                for value in calculator.values(place, span)
                if (old := stored.get(value.key)) is None
                or replace(old, now_ms=value.now_ms, revision=0) != value
            ]
            if self._thread is not None:
                self._pace.rest()
        for index in range(0, len(fresh), _WRITE_ROWS):
            # Put into rows here: the writer's thread has readings to store.
            rows = kept.rows(fresh[index : index + _WRITE_ROWS])
            self._journal.call(partial(kept.put, rows=rows))
        return len(fresh)

    def _stored(
        self, place: Place, spans: Sequence[Span]
    ) -> dict[tuple[str, str, str, str, int], KpiValue]:
        kind, scope = place.key
        result: dict[tuple[str, str, str, str, int], KpiValue] = {}
        with self._journal.reader() as connection:
            for period in {span.period for span in spans}:
                starts = [span.start_ms for span in spans if span.period is period]
                found = kept.select(
                    connection,
                    scope_kind=kind,
                    scope=scope,
                    period=period.value,
                    kpis=tuple(self._kpis),
                    start_ms=min(starts),
                    end_ms=max(starts) + 1,
                )
                result |= {value.key: value for value in found}
        return result

    @staticmethod
    def _finish(connection: sqlite3.Connection, done: Iterable[Mark], settled_ms: int) -> None:
        kept.unmark(connection, done)
        _remember(connection, _SETTLED, str(settled_ms))


def _remember(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (key, value))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
