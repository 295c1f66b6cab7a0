"""KPI values of a period with what they are compared with; the same facts give the same values."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from analytics.kpi_job.book import FactBook
from analytics.kpi_job.places import Place
from analytics.kpis.facts import DayFacts
from analytics.kpis.inputs import Inputs, KpiPeriod, Rules, ScopeKind
from analytics.kpis.periods import Span, hours, previous, year_before
from analytics.kpis.row import USABLE_COVERAGE, Kpi, Result, evaluate
from analytics.kpis.tariff import QUANTITY, tier_start
from analytics.usual_day import PAST_DAYS, Usual, similar, usual
from caretaker.clock import HOUR_MS, QUARTER_MS
from caretaker.config import Target
from caretaker.tariffs import table_of
from storage.kpi import KpiValue

_NIGHTS_BEFORE = 6
_BANDED = frozenset({KpiPeriod.HOUR, KpiPeriod.DAY})


class Calculator:
    """Computes KPIs as known at `now_ms`; results are remembered for one run."""

    def __init__(
        self,
        book: FactBook,
        rules: Rules,
        kpis: Mapping[str, Kpi],
        *,
        targets: Sequence[Target],
        now_ms: int,
        settled_ms: int,
    ) -> None:
        self._book = book
        self._rules = rules
        self._kpis = kpis
        self._targets = {(t.kpi, t.period, t.scope): t.value for t in targets}
        self._now_ms = now_ms
        self._settled_ms = settled_ms
        self._known: dict[tuple[str, tuple[str, str], str, int, int], Result] = {}
        self._similar: dict[tuple[str, tuple[str, str], date], list[date]] = {}
        self._hours: dict[date, list[Span]] = {}
        self._by_hour: dict[tuple[str, tuple[str, str], date], list[float | None]] = {}

    def values(self, place: Place, span: Span) -> list[KpiValue]:
        """Return the values of every KPI that the place has over the period."""
        return [
            self._value(kpi, place, span)
            for kpi in self._kpis.values()
            if kpi.kept_for(place.scope.kind, span.period) and place.has.issuperset(kpi.needs)
        ]

    def _value(self, kpi: Kpi, place: Place, span: Span) -> KpiValue:
        until_ms = max(span.start_ms, min(span.end_ms, self._settled_ms))
        found = self._result(kpi, place, span, until_ms)
        elapsed_ms = until_ms - span.start_ms
        band = self._usual(kpi, place, span, elapsed_ms)
        calendar = self._rules.calendar
        scope = place.scope
        in_campus = scope.kind is ScopeKind.CAMPUS
        return KpiValue(
            scope_kind=scope.kind.value,
            scope=scope.id,
            kpi=kpi.name,
            period=span.period.value,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            value=found.value,
            numerator=found.numerator,
            denominator=found.denominator,
            coverage=found.coverage,
            estimated_share=found.estimated_share,
            reason=found.reason,
            usual_low=band.low if band else None,
            usual_median=band.median if band else None,
            usual_high=band.high if band else None,
            previous=self._before(kpi, place, span, previous(span, calendar), elapsed_ms),
            last_year=self._before(kpi, place, span, year_before(span, calendar), elapsed_ms),
            target=self._targets.get((kpi.name, span.period.value, "" if in_campus else scope.id)),
            count=found.count,
            missing=tuple(sorted(set(found.missing))),
            version=kpi.version,
            parameters=found.parameters,
            now_ms=self._now_ms,
        )

    def _before(
        self, kpi: Kpi, place: Place, span: Span, earlier: Span | None, elapsed_ms: int
    ) -> float | None:
        """Return the value of an earlier period, over as much of it as has elapsed of this one."""
        if earlier is None or earlier.last < self._book.first:
            return None
        whole = self._settled_ms >= span.end_ms
        until_ms = earlier.end_ms if whole else earlier.start_ms + elapsed_ms
        return self._result(kpi, place, earlier, min(until_ms, earlier.end_ms)).value

    def _usual(self, kpi: Kpi, place: Place, span: Span, elapsed_ms: int) -> Usual | None:
        """Return the band of the KPI's own values on similar days, over the same part of them."""
        if not kpi.usual or span.period not in _BANDED or elapsed_ms == 0:
            return None
        days = self._similar_days(kpi, place, span.first)
        if self._settled_ms < span.end_ms:
            values = [self._so_far(kpi, place, span, day, elapsed_ms) for day in days]
        elif span.period is KpiPeriod.DAY:
            values = [self._so_far(kpi, place, span, day, HOUR_MS * 25) for day in days]
        else:
            number = self._number(span)
            by_hour = [self._hourly(kpi, place, day) for day in days]
            values = [hours_[number] for hours_ in by_hour if number < len(hours_)]
        return usual([value for value in values if value is not None])

    def _so_far(
        self, kpi: Kpi, place: Place, span: Span, day: date, elapsed_ms: int
    ) -> float | None:
        """Return the value of the same day or hour of another day, over what has elapsed."""
        if span.period is KpiPeriod.DAY:
            like = self._day(day)
        else:
            same, number = self._hours_of(day), self._number(span)
            if number >= len(same):
                return None
            like = same[number]
        return self._result(kpi, place, like, min(like.start_ms + elapsed_ms, like.end_ms)).value

    def _number(self, span: Span) -> int:
        """Return which hour of its day an hour is."""
        return (span.start_ms - self._rules.calendar.bounds(span.first)[0]) // HOUR_MS

    def _day(self, day: date) -> Span:
        start_ms, end_ms = self._rules.calendar.bounds(day)
        return Span(KpiPeriod.DAY, start_ms, end_ms, day, day)

    def _hours_of(self, day: date) -> list[Span]:
        found = self._hours.get(day)
        if found is None:
            found = self._hours[day] = hours(day, self._rules.calendar)
        return found

    def _hourly(self, kpi: Kpi, place: Place, day: date) -> list[float | None]:
        """Return the value of each hour of a day that is over."""
        key = (kpi.name, place.key, day)
        found = self._by_hour.get(key)
        if found is None:
            spans = self._hours_of(day)
            found = [self._result(kpi, place, span, span.end_ms).value for span in spans]
            self._by_hour[key] = found
        return found

    def _similar_days(self, kpi: Kpi, place: Place, day: date) -> list[date]:
        """Return days of the same kind before a day, newest first, that are known well enough."""
        quantity = kpi.needs[0] if kpi.needs else ""
        key = (quantity, place.key, day)
        if key not in self._similar:
            first, last = day - timedelta(days=PAST_DAYS), day - timedelta(days=1)
            whole = [
                facts.day
                for facts in reversed(self._book.days(place, first, last))
                if facts.end_ms <= self._settled_ms and _known(facts, quantity)
            ]
            calendar = self._rules.calendar
            self._similar[key] = similar(whole, calendar.kind, calendar.kind(day))
        return self._similar[key]

    def _result(self, kpi: Kpi, place: Place, span: Span, until_ms: int) -> Result:
        key = (kpi.name, place.key, span.period, span.start_ms, until_ms)
        found = self._known.get(key)
        if found is None:
            inputs = self._inputs(kpi, place, span, until_ms)
            found = evaluate(kpi, inputs) if inputs.days else Result(None, reason="no-data")
            self._known[key] = found
        return found

    def _inputs(self, kpi: Kpi, place: Place, span: Span, until_ms: int) -> Inputs:
        days = tuple(
            _cut(day, span.start_ms, until_ms)
            for day in self._book.days(place, span.first, span.last)
            if day.start_ms < until_ms
        )
        before: tuple[DayFacts, ...] = ()
        alike: tuple[DayFacts, ...] = ()
        if span.period is KpiPeriod.DAY and "volume" in kpi.needs:
            back = timedelta(days=_NIGHTS_BEFORE)
            before = self._book.days(place, span.first - back, span.first - timedelta(days=1))
        if kpi.compares and span.period is KpiPeriod.DAY:
            elapsed = until_ms - span.start_ms
            alike = tuple(
                _cut(other, other.start_ms, other.start_ms + elapsed)
                for day in self._similar_days(kpi, place, span.first)
                for other in self._book.days(place, day, day)
            )
        over = until_ms >= span.end_ms
        return Inputs(
            scope=place.scope,
            period=span.period,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            now_ms=self._now_ms if over else until_ms,
            settled_ms=until_ms,
            days=days,
            rules=self._rules,
            before=before,
            similar=alike,
            used_before=lambda utility: self._used_before(place, utility, span),
        )

    def _used_before(self, place: Place, utility: str, span: Span) -> float | None:
        """Return what a utility used from its tier period's start to the span's start."""
        table = table_of(self._rules.tables, utility, span.first)
        if table is None or not table.tiers:
            return 0.0
        first = tier_start(table, span.first)
        start_ms = self._rules.calendar.bounds(first)[0]
        if start_ms >= span.start_ms:
            return 0.0
        amount = covered = 0.0
        for day in self._book.days(place, first, span.first):
            if day.start_ms >= span.start_ms:
                break
            flow = _cut(day, day.start_ms, span.start_ms).flows.get(QUANTITY[utility])
            if flow is not None:
                amount += flow.total or 0.0
                covered += flow.covered_total_ms
        return amount if covered >= USABLE_COVERAGE * (span.start_ms - start_ms) else None


def _known(facts: DayFacts, quantity: str) -> bool:
    """Return whether a day has enough data of a quantity, or is no question of quantities."""
    flow = facts.flows.get(quantity)
    if flow is None:
        return quantity not in {"energy", "volume"} and any(facts.flows)
    return flow.covered_total_ms >= USABLE_COVERAGE * (facts.end_ms - facts.start_ms)


def _cut(day: DayFacts, start_ms: int, until_ms: int) -> DayFacts:
    """Return the part of a day within [start_ms, until_ms), by whole quarter-hours."""
    if start_ms <= day.start_ms and until_ms >= day.end_ms:
        return day
    first = max(0, (start_ms - day.start_ms) // QUARTER_MS)
    last = min(day.slots, (until_ms - day.start_ms) // QUARTER_MS)
    return day.cut(first, max(first, last))
