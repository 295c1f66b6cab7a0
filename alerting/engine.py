"""The rule engine: judges readings in the transaction that stores them."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

import msgspec

from alerting import roster
from alerting.checkpoints import written
from alerting.clock_step import STEP_MS, shifted
from alerting.cold import auto_record, sampler
from alerting.late import LateData
from alerting.lifecycle import Lifecycle
from alerting.port import Rule, State, Subject, Verdict
from alerting.quality import DataQuality
from alerting.roster import Post, Roster
from alerting.rulebook import RuleBook
from alerting.unwell import Unwell
from caretaker.clock import MINUTE_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import DeviceStatus, Quality, Reading, Truth

_NOT_TRUTH = int(Quality.SUSPECT | Quality.RETAINED)
_OUR_TIME = int(Quality.NO_CLOCK | Quality.CLOCK)
_TICK_MS = 10_000
_REFRESH_MS = MINUTE_MS
_LOOK_MS = 3_000
"""A rule file is taken when it was found the same twice: soon enough to be shown within 15 s."""
_IN_ORDER = attrgetter("at_ms", "point")
_FUTURE_MS = 5 * MINUTE_MS
_CATCH_UP_MS = 2 * MINUTE_MS
"""So long after its start Caretaker takes the backlog at the broker to be still on its way."""
_CLOCK = "@clock"
"""Under this name a device's newest judged instant is kept beside the states of its rules."""


class Engine:
    """Steps the rules in event time and keeps their state; the lifecycle makes incidents.

    What comes late is judged again from the last checkpoint before it, so that the state depends
    on what was measured, not on the order in which it came.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        lifecycle: Lifecycle,
        site: SiteSettings | None = None,
        book: RuleBook | None = None,
        steps: Callable[[], int] = lambda: 0,
    ) -> None:
        """`steps` says by how much the clock was set since it was last asked [ms]."""
        self.lifecycle = lifecycle
        self.faults: Counter[str] = Counter()
        """Every fault of a rule since the start."""
        self.sick: dict[tuple[str, int], str] = {}
        """Which rule cannot judge which device now, and why; well again, it is gone from here."""
        self.book = book or RuleBook(rules)
        self.site = site or lifecycle.site
        self.roster = Roster()
        self.states: dict[tuple[str, int], State] = {}
        self.clocks: dict[int, int] = {}
        """The newest judged instant of each device [ms UTC]."""
        self.rules = tuple(rules)
        self._steps = steps
        self.late = LateData(self)
        self.unwell = Unwell()
        """What is wrong with Caretaker itself; the watchdog knows."""
        self._quality = DataQuality(self)
        self._ticked_ms = 0
        self._refreshed_ms = self._looked_ms = 0
        self._started_ms = 0
        self._now_ms = 0
        self._clockless: set[int] = set()
        """Devices whose readings bear the time of receipt."""
        self._written: dict[str, str] = {}
        """The states of the device that is being judged, as they were written."""
        self._unsaved: dict[tuple[str, int], str] = {}

    def load(self, connection: sqlite3.Connection) -> None:
        """Take rule state, and what the lifecycle knows, from the journal."""
        self.states, self.clocks, self._unsaved = {}, {}, {}
        for rule, device, state in connection.execute("SELECT rule, device, state FROM rule_state"):
            if rule == _CLOCK:
                self.clocks[device] = int(state)
            else:
                self.states[rule, device] = msgspec.json.decode(state)
        self.late.load(connection)
        self.book.load(connection)
        self.lifecycle.load(connection)
        self.refresh(connection)

    def refresh(self, connection: sqlite3.Connection, *, now_ms: int = 0) -> None:
        """Take devices, records and numbers as they stand now; only adopted devices are judged."""
        self.roster = roster.build(
            connection,
            self.rules,
            site=self.site,
            settings=self.book.settings,
            now_ms=now_ms,
            watching_since_ms=self._started_ms,
        )
        self.lifecycle.know(self.roster.subjects)
        self._refreshed_ms = 0

    def devices_changed(self) -> None:
        """Look at devices and records again with the next batch, and judge them by those."""
        self._refreshed_ms = -1

    def judge(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        """Judge new readings and the passing of time."""
        if not readings and not self.lifecycle.notifying:
            return  # in a past that is filled in, time passes with its readings only
        if now_ms < self._now_ms - STEP_MS:
            self._step_back(connection, now_ms - self._now_ms)
        if self._steps() > STEP_MS and self.lifecycle.notifying:
            # Time nobody lived through is held against no device: as after a restart.
            self._started_ms, self._refreshed_ms = now_ms, 0
        self._now_ms = now_ms
        changed = self._prepare(connection, readings, now_ms=now_ms)
        by_device = self._by_device(readings)
        for device, items in by_device.items():
            if len(items) > 1:
                items.sort(key=_IN_ORDER)
            self._judge_device(connection, device, items, now_ms=now_ms)
        if changed or now_ms - self._ticked_ms >= _TICK_MS:
            self._ticked_ms = now_ms
            self.save(connection)
            self._tick(connection, heard=set(by_device), everything=changed, now_ms=now_ms)
        self.late.work(connection, now_ms=now_ms)
        self.lifecycle.tick(connection, now_ms=now_ms)
        self.save(connection)

    def _by_device(self, readings: Sequence[Reading]) -> dict[int, list[Reading]]:
        """Return the readings that count, by the devices they are judged at."""
        found: dict[int, list[Reading]] = defaultdict(list)
        routes = self.roster.routes
        for reading in readings:
            quality = int(reading.quality)
            if quality & _NOT_TRUTH:
                continue
            for device in routes.get(reading.point, ()):
                found[device].append(reading)
                if quality & _OUR_TIME:
                    self._clockless.add(device)
        return found

    def postpone(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        """Have the devices of readings that could not be judged judged again from there on."""
        for reading in readings:
            if int(reading.quality) & _NOT_TRUTH:
                continue
            for device in self.roster.routes.get(reading.point, ()):
                self.late.ask(connection, device, from_ms=reading.at_ms, now_ms=now_ms)
                if self.clocks.get(device, 0) < reading.at_ms <= now_ms + _FUTURE_MS:
                    self.clocks[device] = reading.at_ms
                    self._keep(_CLOCK, device, reading.at_ms)
        self.save(connection)

    def fault(self, key: tuple[str, int], error: Exception) -> None:
        """Count what went wrong with a rule at a device, and show it until that goes well."""
        self.sick[key] = f"{type(error).__name__}: {error}"[:200]
        self.faults[f"{key[0]}: {type(error).__name__}: {error}"[:120]] += 1

    def _judge_device(
        self, connection: sqlite3.Connection, device: int, items: list[Reading], *, now_ms: int
    ) -> None:
        posts = self.roster.posts.get(device, ())
        own = posts[0].subject.own if posts else frozenset[int]()
        clock = self.clocks.get(device, 0)
        items = self.late.note(connection, device, items, own=own, clock_ms=clock, now_ms=now_ms)
        horizon_ms = now_ms + _FUTURE_MS
        newest = max(
            (r.at_ms for r in items if r.point in own and r.at_ms <= horizon_ms), default=0
        )
        known_ms = now_ms if self._caught_up(now_ms) else max(newest, clock)
        self._written = {}
        heard = {reading.point for reading in items}
        for post in posts:
            mine = items
            if not heard <= post.points:
                mine = [reading for reading in items if reading.point in post.points]
            if mine:
                self._step(connection, post, mine, known_ms=known_ms, now_ms=now_ms)
        if newest > clock:
            self.clocks[device] = newest
            self._keep(_CLOCK, device, newest)
            self.late.checkpoint(
                connection, device, before_ms=clock, at_ms=newest, texts=self._written
            )

    def _step_back(self, connection: sqlite3.Connection, by_ms: int) -> None:
        """Move the memory of devices without a clock with the machine's clock."""
        for (rule, device), state in list(self.states.items()):
            if device in self._clockless:
                self.states[rule, device] = shifted(state, by_ms)
                self._keep(rule, device, self.states[rule, device])
        for device in self._clockless & set(self.clocks):
            self.clocks[device] += by_ms
            self._keep(_CLOCK, device, self.clocks[device])
            self.late.step_back(connection, device, self.clocks[device])
        self._started_ms += min(0, by_ms)
        self._ticked_ms = self._refreshed_ms = 0

    def _leave_the_future(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Move back the memory of devices whose clock was ours when ours was ahead."""
        for device, clock_ms in list(self.clocks.items()):
            if clock_ms > now_ms + _FUTURE_MS:
                for (rule, of), state in list(self.states.items()):
                    if of == device:
                        self.states[rule, of] = shifted(state, now_ms - clock_ms)
                        self._keep(rule, of, self.states[rule, of])
                self.clocks[device] = now_ms
                self._keep(_CLOCK, device, now_ms)
                self.late.step_back(connection, device, now_ms)

    def _caught_up(self, now_ms: int) -> bool:
        """Return whether what was measured before now can be taken to have arrived."""
        if not self.lifecycle.notifying:
            return True
        return not 0 <= now_ms - self._started_ms < _CATCH_UP_MS

    def _prepare(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> bool:
        """Look at devices, records and rule file again when it is time; return what changed."""
        if not self._started_ms:
            self._started_ms = now_ms
        asked = self._refreshed_ms < 0
        if asked:  # a record may have asked for the past to be judged again
            self.late.load(connection)
        stale = self._refreshed_ms <= 0 or abs(now_ms - self._refreshed_ms) > _REFRESH_MS
        if not 0 <= now_ms - self._looked_ms < _LOOK_MS or asked:
            self._looked_ms = now_ms
            stale |= self.book.look(connection, self.roster, now_ms=now_ms)
        if stale:
            self._leave_the_future(connection, now_ms=now_ms)
        new = {r.point for r in readings if r.point not in self.roster.points}
        if stale or (new and not self._extend(connection, new, now_ms=now_ms)):
            self.refresh(connection, now_ms=now_ms)
            self._refreshed_ms = now_ms
        return asked

    def _extend(self, connection: sqlite3.Connection, new: set[int], *, now_ms: int) -> bool:
        """Take new points in without a look at all the others; return whether that will do."""
        extended = roster.extend(
            connection,
            self.roster,
            new,
            self.rules,
            site=self.site,
            settings=self.book.settings,
            now_ms=now_ms,
        )
        if extended is None:
            return False
        self.roster = extended
        return True

    def _tick(
        self,
        connection: sqlite3.Connection,
        *,
        heard: set[int],
        everything: bool,
        now_ms: int,
    ) -> None:
        """Time passed: some rules judge without a reading; a new record is judged by all."""
        self._quality.tick_site(connection, now_ms=now_ms)
        if not self._caught_up(now_ms) and not everything:
            return
        for device, posts in self.roster.posts.items():
            if device in heard and not everything:
                continue
            for post in posts:
                if post.rule.timed or (everything and post.context.records):
                    self._step(connection, post, (), known_ms=now_ms, now_ms=now_ms)
        self._quality.tick(connection, now_ms=now_ms)
        auto_record.keep(connection, now_ms=now_ms)

    def _step(
        self,
        connection: sqlite3.Connection,
        post: Post,
        readings: Sequence[Reading],
        *,
        known_ms: int,
        now_ms: int,
    ) -> None:
        key = (post.rule.name, post.subject.device.id)
        before = self.states.get(key, {})
        try:
            state, verdicts = post.rule.step(
                post.subject,
                state=before,
                readings=readings,
                context=post.context,
                now_ms=known_ms,
            )
        except Exception as error:  # a sick rule is counted and shown; the others go on
            self.fault(key, error)
            return
        if self.sick:
            self.sick.pop(key, None)
        self.remember(post, state)
        silent = readings and not verdicts and not state.get("bad")
        if silent and self.lifecycle.has_open(connection, *key):
            # A recovery is proved by going on to be good (lifecycle), so good is said aloud.
            verdicts = [Verdict(Truth.OK, readings[-1].at_ms)]
        self.take(connection, post, verdicts, now_ms=now_ms)

    def remember(self, post: Post, state: State) -> None:
        """Keep a rule's state of a device, in the caller's transaction."""
        key = (post.rule.name, post.subject.device.id)
        if state != self.states.get(key, {}):
            self.states[key] = state
            self._keep(*key, state)

    def _keep(self, rule: str, device: int, state: object) -> None:
        self._unsaved[rule, device] = self._written[rule] = written(state)

    def save(self, connection: sqlite3.Connection) -> None:
        """Write what changed; one statement for all, each lets go of the interpreter."""
        connection.executemany(
            "INSERT OR REPLACE INTO rule_state VALUES (?, ?, ?)",
            [(rule, device, text) for (rule, device), text in self._unsaved.items()],
        )
        self._unsaved.clear()

    def take(
        self,
        connection: sqlite3.Connection,
        post: Post,
        verdicts: Iterable[Verdict],
        *,
        now_ms: int,
    ) -> None:
        """Hand verdicts to the lifecycle; what nobody can know goes to the data-quality notice."""
        device = post.subject.device.id
        ours = post.subject.device.status is DeviceStatus.INTERNAL  # canary, drill: no figures
        if post.rule.name == sampler.RULE:
            sampler.keep(connection, device, [] if ours else list(verdicts))
            return
        for verdict in verdicts:
            if not ours:
                self._quality.heard(post, verdict)
            if verdict.truth is Truth.UNKNOWN:
                continue
            # What has an incident goes on with it; only a new one may be explained away.
            known = self.lifecycle.has_open(connection, post.rule.name, device)
            if not known and (verdict.truth is Truth.OK or self._explained(post)):
                continue
            self.lifecycle.take(connection, post.rule, post.subject, verdict, now_ms=now_ms)

    def _explained(self, post: Post) -> bool:
        """Return whether a meter downstream, at any depth, has the same flow's incident open."""
        if not post.rule.downstream_first:
            return False
        subjects = {s.device.id: s for s in self.roster.subjects}
        return any(
            post.subject.device.id in _upstream(subjects, device)
            for device in self.lifecycle.open_devices(post.rule.name)
        )


def _upstream(subjects: dict[int, Subject], device: int) -> set[int]:
    found: set[int] = set()
    at = subjects.get(device)
    while at is not None and at.device.parent and at.device.parent not in found:
        found.add(at.device.parent)
        at = subjects.get(at.device.parent)
    return found
