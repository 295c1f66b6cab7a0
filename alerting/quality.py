"""Data quality: what could not be judged or found, a rule file refused, Caretaker itself ill."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alerting.port import Context, Rule, State, Subject, Verdict
from alerting.roster import Post
from alerting.unwell import WATCHING
from caretaker.clock import HOUR_MS
from caretaker.vocabulary import Device, DeviceStatus, Reading, Severity, Truth

if TYPE_CHECKING:
    from alerting.engine import Engine

_PATIENCE_MS = HOUR_MS
"""A new device may take a while until its first reading."""


class _Said:
    """A rule in name only: the engine itself says what it found."""

    parameters: tuple[str, ...] = ()
    version = "1"
    timed = False
    downstream_first = False
    linked: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self.name = name

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return nobody: nothing is stepped."""
        del candidates
        return []

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Say nothing."""
        del subject, readings, context, now_ms
        return state, []


UNJUDGED: Rule = _Said("data_quality")
UNMATCHED: Rule = _Said("rule_unmatched")
REFUSED: Rule = _Said("rules_refused")
UNWELL: Rule = _Said("caretaker_unwell")


class DataQuality:
    """Raises a notice for UNKNOWN answers and lost matches, an alarm for a refused rule file."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._unknown: dict[int, dict[str, str]] = {}
        self._since: dict[int, int] = {}

    def heard(self, post: Post, verdict: Verdict) -> None:
        """Remember whether a rule could judge its device."""
        device, name = post.subject.device.id, post.rule.name
        if verdict.truth is Truth.UNKNOWN:
            why = str(verdict.evidence.get("why", "unknown"))
            self._unknown.setdefault(device, {})[name] = why
        elif device in self._unknown:
            self._unknown[device].pop(name, None)

    def tick(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Raise and end the notices."""
        engine = self._engine
        for subject in engine.roster.subjects:
            found = self._unknown.get(subject.device.id, {})
            if found:
                since = self._since.setdefault(subject.device.id, now_ms)
                if now_ms - since < _PATIENCE_MS:
                    continue
            else:
                since = self._since.pop(subject.device.id, now_ms)
            evidence = {"rules": ", ".join(sorted(found)), "why": next(iter(found.values()), "")}
            self._say(connection, UNJUDGED, subject, bool(found), since, evidence, now_ms)

    def tick_site(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Raise and end what is wrong with rules and with Caretaker itself."""
        engine, site = self._engine, self._site()
        lost = self._lost(connection)
        self._say(
            connection, UNMATCHED, site, bool(lost), now_ms, {"rules": ", ".join(lost)}, now_ms
        )
        problem = engine.book.problem
        self._say(
            connection, REFUSED, site, bool(problem), now_ms, {"problem": problem}, now_ms,
            severity=Severity.ALARM,
        )  # fmt: skip

        self._look_at_ourselves(connection, site, now_ms)

    def _look_at_ourselves(
        self, connection: sqlite3.Connection, site: Subject, now_ms: int
    ) -> None:
        parts = self._engine.unwell.parts
        blind = bool(parts & WATCHING)
        cold = [s for s in self._engine.roster.subjects if s.device.role.cold] if blind else []
        evidence: dict[str, float | int | str] = {
            "parts": ", ".join(sorted(parts)), "cold_units": len(cold)
        }  # fmt: skip
        self._say(
            connection, UNWELL, site, bool(parts), now_ms, evidence, now_ms,
            severity=Severity.ALARM if blind else Severity.NOTICE,
        )  # fmt: skip

    def _lost(self, connection: sqlite3.Connection) -> list[str]:
        """Return the rules that judged a device once and find none any more."""
        engine = self._engine
        at_work = {post.rule.name for posts in engine.roster.posts.values() for post in posts}
        known = {
            row[0]
            for row in connection.execute(
                "SELECT DISTINCT rule FROM rule_state WHERE rule NOT LIKE '@%'"
            )
        }
        off = {setting.rule for setting in engine.book.settings if not setting.on}
        names = {rule.name for rule in engine.rules}
        return sorted((known & names) - at_work - off)

    def _site(self) -> Subject:
        site = self._engine.site
        device = Device(0, "site", "", DeviceStatus.ADOPTED, name=site.name)
        return Subject(device, ())

    def _say(
        self,
        connection: sqlite3.Connection,
        rule: Rule,
        subject: Subject,
        bad: bool,  # noqa: FBT001
        since_ms: int,
        evidence: Mapping[str, float | int | str],
        now_ms: int,
        *,
        severity: Severity = Severity.NOTICE,
    ) -> None:
        lifecycle = self._engine.lifecycle
        known = lifecycle.has_open(connection, rule.name, subject.device.id)
        if bad:
            verdict = Verdict(
                Truth.BAD, now_ms, severity=severity, since_ms=since_ms, evidence=evidence
            )
            lifecycle.take(connection, rule, subject, verdict, now_ms=now_ms)
        elif known:
            verdict = Verdict(Truth.OK, now_ms, recovered=True)
            lifecycle.take(connection, rule, subject, verdict, now_ms=now_ms)
