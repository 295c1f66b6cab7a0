"""Late data: judged again in event time from the last checkpoint before it.

A checkpoint is every rule's state of a device as of an instant. A reading from before the newest
judged one marks its device; a moment later the readings since the checkpoint are stepped through
anew, in event order, by the same rules, and the outcome replaces the state. What that shows and no
incident covers is told as late, with its event time. Nothing that was told is taken back.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerting.checkpoints import HORIZON_MS, Checkpoints, drop, written
from alerting.cold import sampler
from alerting.port import State, Verdict
from alerting.roster import Post
from caretaker.clock import DAY_MS, HOUR_MS, QUARTER_MS
from caretaker.vocabulary import Quality, Reading, Severity, Truth
from storage import past_marks

if TYPE_CHECKING:
    from alerting.engine import Engine

SKEW_MS = 5_000
"""Readings of several points of a device arrive this much out of step without being late."""
LINKED_SKEW_MS = QUARTER_MS
"""So far may the clock of another device, a door contact, lie behind without being late."""
_QUIET_MS, _PATIENCE_MS, _RETRY_MS = 2_000, 30_000, 60_000
_AGAIN = "late data"
_NOT_TRUTH = int(Quality.SUSPECT | Quality.RETAINED)
_RANK = {Severity.NOTICE: 0, Severity.ALARM: 1, Severity.CRITICAL: 2}

PAST_MS = 400 * DAY_MS
"""What lies between the horizon and this is judged by itself (alerting/past.py)."""


@dataclass(slots=True)
class _Mark:
    from_ms: int
    since_ms: int
    touched_ms: int
    rests_ms: int = 0
    """It could not be judged: not tried again before this."""


def mark(connection: sqlite3.Connection, device: int, *, from_ms: int, now_ms: int) -> None:
    """Ask for a device to be judged again from an instant; the engine takes it when it refreshes.

    So does a record that a person makes of an earlier moment.
    """
    connection.execute(
        "INSERT INTO rule_late VALUES (?, ?, ?) ON CONFLICT (device)"
        " DO UPDATE SET from_ms = min(from_ms, excluded.from_ms)",
        (device, from_ms, now_ms),
    )
    drop(connection, device, from_ms)


class LateData:
    """Marks what comes late and judges it again; survives a restart in between."""

    def __init__(self, engine: "Engine") -> None:
        self.unjudged = 0
        """Readings older than anything is judged."""
        self.judged = 0
        """Windows judged again."""
        self._engine = engine
        self._marks: dict[int, _Mark] = {}
        self._points: dict[tuple[int, int], int] = {}
        self._checkpoints = Checkpoints()

    def load(self, connection: sqlite3.Connection) -> None:
        """Take the marks and the newest checkpoints from the journal."""
        self._marks = {
            device: _Mark(from_ms, since_ms, since_ms)
            for device, from_ms, since_ms in connection.execute(
                "SELECT device, from_ms, since_ms FROM rule_late"
            )
        }
        self._checkpoints.load(connection)
        self._points = {}

    def note(
        self,
        connection: sqlite3.Connection,
        device: int,
        items: Sequence[Reading],
        *,
        own: frozenset[int],
        clock_ms: int,
        now_ms: int,
    ) -> list[Reading]:
        """Return the readings that come in time, in event order; mark the device for the others."""
        timely: list[Reading] = []
        first: int | None = None
        past: tuple[int, int] | None = None
        newest = self._points
        for item in items:
            at, key = item.at_ms, (device, item.point)
            skew = SKEW_MS if item.point in own else LINKED_SKEW_MS
            if at >= clock_ms - skew and at >= newest.get(key, -1):
                newest[key] = at
                timely.append(item)
            elif at < clock_ms - PAST_MS:
                self.unjudged += 1
            elif at < clock_ms - HORIZON_MS:
                past = (min(at, past[0]), max(at, past[1])) if past else (at, at)
            elif first is None or at < first:
                first = at
        earliest = min(items[0].at_ms, first or items[0].at_ms)
        if earliest <= self._checkpoints.newest(device):
            self._checkpoints.forget(connection, device, earliest)
        if first is not None:
            self.ask(connection, device, from_ms=first, now_ms=now_ms)
        if past:
            past_marks.ask(connection, device, from_ms=past[0], to_ms=past[1], now_ms=now_ms)
        return timely

    def ask(
        self, connection: sqlite3.Connection, device: int, *, from_ms: int, now_ms: int
    ) -> None:
        """Mark a device to be judged again from an instant on."""
        if from_ms <= self._checkpoints.newest(device):
            self._checkpoints.forget(connection, device, from_ms)
        found = self._marks.setdefault(device, _Mark(from_ms, now_ms, now_ms))
        found.from_ms, found.touched_ms = min(found.from_ms, from_ms), now_ms
        connection.execute(
            "INSERT OR REPLACE INTO rule_late VALUES (?, ?, ?)",
            (device, found.from_ms, found.since_ms),
        )

    def checkpoint(
        self,
        connection: sqlite3.Connection,
        device: int,
        *,
        before_ms: int,
        at_ms: int,
        texts: Mapping[str, str],
    ) -> None:
        """Keep the states of a device when its clock passed a quarter-hour (others: an hour).

        `texts` are those of them that were just put into words.
        """
        posts = self._engine.roster.posts.get(device, ())
        if not posts or device in self._marks:
            return
        step = QUARTER_MS if posts[0].subject.device.role.holds_food else HOUR_MS
        if before_ms // step == at_ms // step:
            return
        states = {
            name: texts.get(name) or written(state)
            for name in (post.rule.name for post in posts)
            if (state := self._engine.states.get((name, device)))
        }
        self._checkpoints.write(connection, device, at_ms, states)
        self._checkpoints.thin(connection, device, at_ms)

    def step_back(self, connection: sqlite3.Connection, device: int, to_ms: int) -> None:
        """The machine's clock was set back: what stands ahead of it is no measure any more."""
        self._checkpoints.forget(connection, device, to_ms)
        self._points = {k: min(at, to_ms) for k, at in self._points.items() if k[0] == device} | {
            k: at for k, at in self._points.items() if k[0] != device
        }

    def work(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Judge again what has been quiet for a moment, or has waited long enough."""
        for device, mark in list(self._marks.items()):
            quiet = not 0 <= now_ms - mark.touched_ms < _QUIET_MS
            if now_ms < mark.rests_ms <= now_ms + _RETRY_MS:
                continue
            if quiet or not 0 <= now_ms - mark.since_ms < _PATIENCE_MS:
                self._try_again(connection, device, mark, now_ms=now_ms)

    def _try_again(
        self, connection: sqlite3.Connection, device: int, mark: _Mark, *, now_ms: int
    ) -> None:
        """Judge a device again; one that cannot be judged must not keep the others from it."""
        self._engine.save(connection)  # what a failure is taken back to
        connection.execute("SAVEPOINT again")
        try:
            self._judge_again(connection, device, mark.from_ms, now_ms=now_ms)
        except Exception as error:  # shown until it goes well; the mark stays
            connection.execute("ROLLBACK TO again")
            connection.execute("RELEASE again")
            self._engine.load(connection)
            self._marks[device] = replace(mark, rests_ms=now_ms + _RETRY_MS)
            self._engine.fault((_AGAIN, device), error)
            return
        connection.execute("RELEASE again")
        del self._marks[device]
        connection.execute("DELETE FROM rule_late WHERE device = ?", (device,))
        self._engine.sick.pop((_AGAIN, device), None)

    def _judge_again(
        self, connection: sqlite3.Connection, device: int, from_ms: int, *, now_ms: int
    ) -> None:
        clock_ms = self._engine.clocks.get(device, 0)
        start_ms, begun = self._checkpoints.before(connection, device, from_ms)
        posts = self._engine.roster.posts.get(device, ())
        said: dict[str, list[Verdict]] = defaultdict(list)
        held: dict[str, State] = {p.rule.name: begun.get(p.rule.name, {}) for p in posts}
        for end_ms, readings in self._slices(connection, posts, start_ms, clock_ms):
            for post in posts:
                name = post.rule.name
                mine = [reading for reading in readings if reading.point in post.points]
                try:
                    held[name], verdicts = post.rule.step(
                        post.subject,
                        state=held[name],
                        readings=mine,
                        context=post.context,
                        now_ms=end_ms,
                    )
                except Exception as error:  # counted like a fault of live judging
                    self._engine.fault((name, device), error)
                    continue
                said[name] += verdicts
            if end_ms < clock_ms:
                states = {name: written(state) for name, state in held.items() if state}
                self._checkpoints.write(connection, device, end_ms, states)
        for post in posts:
            self._engine.remember(post, held[post.rule.name])
            if post.rule.name == sampler.RULE:
                self._engine.take(connection, post, said[post.rule.name], now_ms=now_ms)
                continue
            self._tell(connection, post, said[post.rule.name], now_ms=now_ms)
        self.judged += 1

    @staticmethod
    def _slices(
        connection: sqlite3.Connection, posts: Sequence[Post], start_ms: int, clock_ms: int
    ) -> Iterator[tuple[int, list[Reading]]]:
        """Hand out the readings in (start, clock], cut by the day."""
        points = sorted({point for post in posts for point in post.points})
        readings = load_readings(connection, points, start_ms=start_ms + 1, end_ms=clock_ms + 1)
        begin = 0
        while begin < len(readings):
            end_ms = min(clock_ms, (readings[begin].at_ms // DAY_MS + 1) * DAY_MS - 1)
            stop = begin
            while stop < len(readings) and readings[stop].at_ms <= end_ms:
                stop += 1
            yield end_ms, readings[begin:stop]
            begin = stop
        if not readings or readings[-1].at_ms < clock_ms:
            yield clock_ms, []

    def _tell(
        self,
        connection: sqlite3.Connection,
        post: Post,
        verdicts: Sequence[Verdict],
        *,
        now_ms: int,
    ) -> None:
        """Bring the incidents up to what the window really held."""
        engine, name, device = self._engine, post.rule.name, post.subject.device.id
        lifecycle = engine.lifecycle
        past, current = episodes(verdicts)
        for bad, good in past:
            if not _covered(connection, name, device, bad, good):
                late = replace(bad, evidence={**bad.evidence, "late": 1})
                engine.take(connection, post, (late, good), now_ms=now_ms)
        standing = bool(engine.states.get((name, device), {}).get("bad"))
        known = lifecycle.has_open(connection, name, device)
        if standing and current is not None:
            late = replace(current, evidence={**current.evidence, "late": 1})
            told = current if known else late
            engine.take(connection, post, (told,), now_ms=now_ms)
        elif known and not standing:
            ends = [good for _, good in past]
            at_ms = ends[-1].at_ms if ends else engine.clocks.get(device, now_ms)
            evidence = dict(ends[-1].evidence) if ends else {"why": "late_data"}
            verdict = Verdict(Truth.OK, at_ms, recovered=True, evidence=evidence)
            engine.take(connection, post, (verdict,), now_ms=now_ms)


def episodes(
    verdicts: Sequence[Verdict],
) -> tuple[list[tuple[Verdict, Verdict]], Verdict | None]:
    """Return (worst BAD, recovery) of each excursion that ended, and the worst of one that lasts.

    >>> bad = Verdict(Truth.BAD, 10, since_ms=5)
    >>> ended, lasting = episodes([bad, Verdict(Truth.OK, 20, recovered=True), bad])
    >>> len(ended), lasting == bad
    (1, True)
    """
    found: list[tuple[Verdict, Verdict]] = []
    worst: Verdict | None = None
    for verdict in verdicts:
        if verdict.truth is Truth.BAD:
            if worst is None or _RANK[verdict.severity] >= _RANK[worst.severity]:
                worst = verdict
        elif verdict.truth is Truth.OK and verdict.recovered and worst is not None:
            found.append((worst, verdict))
            worst = None
    return found, worst


def _covered(
    connection: sqlite3.Connection, rule: str, device: int, bad: Verdict, good: Verdict
) -> bool:
    """Return whether an incident tells of this excursion, or one stands open now."""
    row = connection.execute(
        "SELECT 1 FROM incident WHERE rule = ? AND device = ? AND (closed_ms IS NULL OR"
        " (since_ms <= ? AND coalesce(recovered_ms, closed_ms) >= ?)) LIMIT 1",
        (rule, device, good.at_ms, bad.since_ms),
    ).fetchone()
    return row is not None


def load_readings(
    connection: sqlite3.Connection, points: Sequence[int], *, start_ms: int, end_ms: int
) -> list[Reading]:
    """Return the judged readings of points in [start_ms, end_ms), in event order."""
    rows: list[tuple[int, int, float, int]] = []
    for point in points:
        rows += connection.execute(
            "SELECT at_ms, point, value, quality FROM reading WHERE point = ? AND at_ms >= ?"
            " AND at_ms < ? AND quality & ? = 0 ORDER BY at_ms, ordinal",
            (point, start_ms, end_ms, _NOT_TRUTH),
        ).fetchall()
    rows.sort(key=lambda row: (row[0], row[1]))
    known = {number: Quality(number) for number in {row[3] for row in rows}}
    return [Reading(row[1], row[0], row[2], known[row[3]]) for row in rows]
