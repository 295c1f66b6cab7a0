"""The distant past: a gateway that comes back after the summer brings what was measured in July.

What lies further back than late judging reaches is stepped through by itself, beside the present:
in a thread of its own, a week at a time, from a state that knows nothing. An excursion is recorded
as a past incident, with its corrective-action record, and wakes nobody.
"""

import sqlite3
from collections import defaultdict

import structlog

from alerting import roster
from alerting.cold import auto_record
from alerting.engine import Engine
from alerting.late import episodes, load_readings
from alerting.port import State, Verdict
from alerting.roster import Post
from caretaker.clock import DAY_MS, MINUTE_MS, Clock
from caretaker.vocabulary import Severity
from caretaker.worker import Periodic
from storage import past_incidents, past_marks
from storage.journal import Journal
from storage.past_marks import PastMark

RULES = frozenset({"cold_storage_warm", "food_hold", "cold_storage_cold", "hot_holding_low"})
"""Those of food: of a leak or a worn compressor in July nobody learns anything in September."""

_EVERY_S = 20.0
_PAUSE_S = 0.05  # between weeks: the present comes first
_QUIET_MS = MINUTE_MS
_WEEK_MS = 7 * DAY_MS
_BEFORE_MS = 2 * DAY_MS
"""A rule gets so much history before the window, to know what is usual."""

log = structlog.get_logger()


class PastJudge:
    """Judges the marked windows once no more comes for them; survives a restart in between."""

    def __init__(self, journal: Journal, engine: Engine, *, clock: Clock) -> None:
        self._journal = journal
        self._engine = engine
        self._clock = clock
        self.worker = Periodic("past", self.step, every_s=_EVERY_S)

    def step(self) -> int:
        """Judge what has been quiet for a minute; return how many excursions were recorded."""
        now_ms = self._clock.now_ms()
        with self._journal.reader() as connection:
            marks = past_marks.listing(connection)
        found = 0
        for mark in marks:
            if 0 <= now_ms - mark.asked_ms < _QUIET_MS:
                continue
            found += self._judge(mark)
            if self.worker.ending:
                break
        return found

    def _judge(self, mark: PastMark) -> int:
        rules = [rule for rule in self._engine.rules if rule.name in RULES]
        with self._journal.reader() as connection:
            known = roster.build(
                connection,
                rules,
                site=self._engine.site,
                settings=self._engine.book.settings,
                now_ms=mark.to_ms,
                records_since_ms=mark.from_ms - _BEFORE_MS,
            )
        posts = known.posts.get(mark.device, ())
        said = self._steps(posts, mark)
        if self.worker.ending:
            return 0
        return self._journal.call(lambda c: self._record(c, posts, said, mark))

    def _steps(self, posts: tuple[Post, ...], mark: PastMark) -> dict[str, list[Verdict]]:
        """Step the rules through the window in event order, a week in memory at a time."""
        states: dict[str, State] = defaultdict(dict)
        said: dict[str, list[Verdict]] = defaultdict(list)
        points = sorted({point for post in posts for point in post.points})
        at_ms = mark.from_ms - _BEFORE_MS
        while at_ms <= mark.to_ms and not self.worker.ending:
            end_ms = min(at_ms + _WEEK_MS, mark.to_ms + 1)
            with self._journal.reader() as connection:
                readings = load_readings(connection, points, start_ms=at_ms, end_ms=end_ms)
            for post in posts if readings else ():
                name = post.rule.name
                states[name], verdicts = post.rule.step(
                    post.subject,
                    state=states[name],
                    readings=[reading for reading in readings if reading.point in post.points],
                    context=post.context,
                    now_ms=readings[-1].at_ms,
                )
                said[name] += [v for v in verdicts if v.at_ms >= mark.from_ms]
            at_ms = end_ms
            self.worker.pause(_PAUSE_S if readings else 0.0)
        return said

    def _record(
        self,
        connection: sqlite3.Connection,
        posts: tuple[Post, ...],
        said: dict[str, list[Verdict]],
        mark: PastMark,
    ) -> int:
        now_ms = self._clock.now_ms()
        count = 0
        for post in posts:
            name = post.rule.name
            ended, lasting = episodes(said[name])
            spans = [(bad, good.at_ms) for bad, good in ended]
            spans += [(lasting, mark.to_ms)] if lasting is not None else []
            for bad, end_ms in spans:
                if bad.severity is Severity.NOTICE or past_incidents.known(
                    connection, name, mark.device, since_ms=bad.since_ms, end_ms=end_ms
                ):
                    continue
                number = past_incidents.record(
                    connection,
                    rule=name,
                    version=post.rule.version,
                    device=mark.device,
                    severity=bad.severity,
                    since_ms=bad.since_ms,
                    found_ms=bad.at_ms,
                    ended_ms=end_ms,
                    evidence={**bad.evidence, "late": 1},
                )
                auto_record.keep(connection, now_ms=now_ms)
                past_incidents.close(connection, number, now_ms=now_ms)
                count += 1
        past_marks.done(connection, mark)
        log.info("the past was judged", device=mark.device, excursions=count)
        return count
