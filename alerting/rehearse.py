"""What a rule would have said: the same step on the journal's history, nothing written."""

import bisect
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerting import roster
from alerting.cold.layout import layout
from alerting.late import episodes, load_readings
from alerting.parameters import Setting
from alerting.port import Rule, Verdict
from alerting.roster import Post
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_ms
from caretaker.config import SiteSettings
from caretaker.vocabulary import Reading, Severity
from storage.unit_records import RecordKind

CIRCUMSTANCES = (
    "receiving", "cleaning", "power_cut", "defrost", "door_open", "school_closed", "none",
)  # fmt: skip
_DURING = {
    "receiving": ("在收货时", "during deliveries"),
    "cleaning": ("在清洁时", "during cleaning"),
    "power_cut": ("在停电时", "during power cuts"),
    "defrost": ("在除霜时", "during defrosts"),
    "door_open": ("在门开着时", "while a door stood open"),
    "school_closed": ("在放假时", "while school was closed"),
}
_AROUND_MS = 45 * MINUTE_MS
_BEFORE_MS = 2 * DAY_MS
"""A rule gets so much history before the window, to know what is usual."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident that the rule would have opened, and what was going on then."""

    device: int
    since_ms: int
    at_ms: int
    ended_ms: int | None
    severity: Severity
    circumstance: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The alerts of a rule in [start_ms, end_ms), over how many readings of how many devices."""

    rule: str
    start_ms: int
    end_ms: int
    alerts: tuple[Alert, ...]
    devices: int
    readings: int

    def by_month(self, site: SiteSettings) -> dict[str, Counter[str]]:
        """Return the number of alerts by circumstance for each month, in the site's zone."""
        found: dict[str, Counter[str]] = {}
        for alert in self.alerts:
            found.setdefault(month_of(alert.at_ms, site), Counter())[alert.circumstance] += 1
        return dict(sorted(found.items()))

    def lately(self, lang: str) -> str:
        """Return the last month (30 days) in a sentence: how many alerts, most of them during what.

        >>> made = [Alert(1, at, at, None, Severity.ALARM, "receiving") for at in (1, 2)]
        >>> alone = Alert(1, 3, 3, None, Severity.ALARM, "none")
        >>> found = Rehearsal("cold_storage_warm", 0, 30 * DAY_MS, (*made, alone), 1, 100)
        >>> found.lately("en")
        '3 alerts last month, 2 during deliveries'
        >>> found.lately("zh-CN")
        '最近一个月 3 次报警，其中 2 次在收货时'
        """
        since_ms = self.end_ms - 30 * DAY_MS
        counts = Counter(alert.circumstance for alert in self.alerts if alert.at_ms >= since_ms)
        total = sum(counts.values())
        chinese = lang == "zh-CN"
        said = [f"最近一个月 {total} 次报警" if chinese else _alerts(total)]
        for name, number in counts.most_common():
            if name in _DURING:
                during = _DURING[name][0 if chinese else 1]
                said.append(f"其中 {number} 次{during}" if chinese else f"{number} {during}")
        return ("，" if chinese else ", ").join(said)


def _alerts(total: int) -> str:
    return f"{total} alert{'' if total == 1 else 's'} last month"


def month_of(at_ms: int, site: SiteSettings) -> str:
    """Return an instant's month in the site's zone, as 2026-09."""
    return f"{from_ms(at_ms).astimezone(site.zone):%Y-%m}"


def rehearse(
    connection: sqlite3.Connection,
    rule: Rule,
    *,
    site: SiteSettings,
    start_ms: int,
    end_ms: int,
    settings: Sequence[Setting] = (),
) -> Rehearsal:
    """Run a rule over the journal's history with the numbers as they are, or as `settings` say.

    It is the live step: event order, records, profile and overrides are those of the engine.
    """
    found = roster.build(
        connection,
        (rule,),
        site=site,
        settings=settings,
        now_ms=end_ms,
        records_since_ms=start_ms - _BEFORE_MS,
    )
    calendar = SchoolCalendar(site.calendar, site.zone)
    alerts: list[Alert] = []
    count = 0
    posts = found.posts_of(rule.name)
    for post in posts:
        readings = load_readings(
            connection, sorted(post.points), start_ms=start_ms - _BEFORE_MS, end_ms=end_ms
        )
        count += len(readings)
        alerts += alerts_of(post, readings, calendar=calendar, start_ms=start_ms, end_ms=end_ms)
    return Rehearsal(
        rule.name,
        start_ms,
        end_ms,
        tuple(sorted(alerts, key=lambda alert: alert.at_ms)),
        len(posts),
        count,
    )


def alerts_of(
    post: Post,
    readings: Sequence[Reading],
    *,
    calendar: SchoolCalendar,
    start_ms: int,
    end_ms: int,
) -> Iterator[Alert]:
    """Return what one post would have said of readings in event order."""
    _, verdicts = post.rule.step(
        post.subject, state={}, readings=readings, context=post.context, now_ms=end_ms
    )
    ended, lasting = episodes(verdicts)
    for bad, good in (*ended, *([(lasting, None)] if lasting is not None else [])):
        first = _first(verdicts, bad)
        if first.at_ms >= start_ms:
            yield Alert(
                device=post.subject.device.id,
                since_ms=bad.since_ms,
                at_ms=first.at_ms,
                ended_ms=good.at_ms if good is not None else None,
                severity=bad.severity,
                circumstance=circumstance(post, readings, first.at_ms, calendar=calendar),
            )


def _first(verdicts: Sequence[Verdict], worst: Verdict) -> Verdict:
    """Return the verdict that opened the excursion whose worst is given."""
    same = [v for v in verdicts if v.truth is worst.truth and v.since_ms == worst.since_ms]
    return same[0] if same else worst


def circumstance(
    post: Post, readings: Sequence[Reading], at_ms: int, *, calendar: SchoolCalendar
) -> str:
    """Return what was going on at an instant, the more telling first."""
    kinds = {
        record.kind
        for record in post.context.records
        if record.at_ms - HOUR_MS <= at_ms
        and (record.until_ms is None or at_ms <= record.until_ms + HOUR_MS)
    }
    if RecordKind.RECEIVING in kinds:
        return "receiving"
    if RecordKind.CLEANING in kinds:
        return "cleaning"
    unit = layout(post.subject)
    start = bisect.bisect_left(readings, at_ms - _AROUND_MS, key=lambda r: r.at_ms)
    stop = bisect.bisect_right(readings, at_ms, key=lambda r: r.at_ms)
    around = readings[start:stop]
    if any(r.point in unit.mains and r.value < 0.5 for r in around):
        return "power_cut"
    if any(r.point == unit.defrost and r.value >= 0.5 for r in around):
        return "defrost"
    if any(r.point in unit.doors and r.value >= 0.5 for r in around):
        return "door_open"
    return "none" if calendar.is_open(at_ms) else "school_closed"
