"""The rule engine: judges readings in the transaction that stores them."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Container, Sequence

from alerting.lifecycle import Lifecycle
from alerting.port import Rule, State, Subject
from alerting.rules.device_silent import DeviceSilent
from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import DeviceStatus, Quality, Reading, Truth
from storage import devices as device_records

_NOT_TRUTH = Quality.SUSPECT | Quality.RETAINED
_TICK_MS = 10_000
_REFRESH_MS = MINUTE_MS


class Engine:
    """Steps the rules and keeps their state; the lifecycle makes incidents of their verdicts."""

    def __init__(self, rules: Sequence[Rule], *, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.faults: Counter[str] = Counter()
        self._rules = tuple(rules)
        self._states: dict[tuple[str, int], State] = {}
        self._subjects: dict[str, dict[int, Subject]] = {}
        self._device_of: dict[int, int] = {}
        self._points: frozenset[int] = frozenset()
        self._ticked_ms = 0
        self._refreshed_ms = 0
        self._started = False

    def load(self, connection: sqlite3.Connection) -> None:
        """Take rule state, and what the lifecycle knows, from the journal."""
        self._states = {
            (rule, device): json.loads(state)
            for rule, device, state in connection.execute(
                "SELECT rule, device, state FROM rule_state"
            )
        }
        self.lifecycle.load(connection)
        self.refresh(connection)

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Take the devices as they stand now; only adopted ones are judged."""
        points = defaultdict(list)
        known = device_records.points(connection)
        self._points = frozenset(point.id for point in known)
        for point in known:
            points[point.device].append(point)
        subjects = [
            Subject(device, tuple(points[device.id]))
            for device in (
                *device_records.devices(connection, status=DeviceStatus.ADOPTED.value),
                *device_records.devices(connection, status=DeviceStatus.INTERNAL.value),
            )
        ]
        self._device_of = {p.id: s.device.id for s in subjects for p in s.points}
        self._subjects = {
            rule.name: {s.device.id: s for s in rule.subjects(subjects)} for rule in self._rules
        }
        self.lifecycle.know(subjects)
        self._refreshed_ms = 0

    def devices_changed(self) -> None:
        """Look at the devices again with the next batch."""
        self._refreshed_ms = -1

    def judge(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        """Judge new readings and the passing of time."""
        if not readings and not self.lifecycle.notifying:
            return  # in a past that is filled in, time passes with its readings only
        self._prepare(connection, readings, now_ms=now_ms)
        by_device: dict[int, list[Reading]] = defaultdict(list)
        for reading in readings:
            device = self._device_of.get(reading.point)
            if device is not None and not reading.quality & _NOT_TRUTH:
                by_device[device].append(reading)
        for device, items in by_device.items():
            items.sort(key=lambda reading: reading.at_ms)
            for rule in self._rules:
                if subject := self._subjects[rule.name].get(device):
                    self._step(connection, rule, subject, items, now_ms=now_ms)
        if now_ms - self._ticked_ms >= _TICK_MS:
            self._ticked_ms = now_ms
            self._tick(connection, heard=by_device, now_ms=now_ms)
        self.lifecycle.tick(connection, now_ms=now_ms)

    def _prepare(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        if not self._started:
            self._started = True
            for rule in self._rules:
                if isinstance(rule, DeviceSilent):
                    rule.watching_since_ms = now_ms
        stale = self._refreshed_ms <= 0 or now_ms - self._refreshed_ms > _REFRESH_MS
        if stale or any(r.point not in self._points for r in readings):
            self.refresh(connection)
            self._refreshed_ms = now_ms

    def _tick(self, connection: sqlite3.Connection, *, heard: Container[int], now_ms: int) -> None:
        """Time passed: only silence can be judged without a reading."""
        for rule in self._rules:
            if isinstance(rule, DeviceSilent):
                for device, subject in self._subjects[rule.name].items():
                    if device not in heard:
                        self._step(connection, rule, subject, [], now_ms=now_ms)

    def _step(
        self,
        connection: sqlite3.Connection,
        rule: Rule,
        subject: Subject,
        readings: Sequence[Reading],
        *,
        now_ms: int,
    ) -> None:
        key = (rule.name, subject.device.id)
        before = self._states.get(key, {})
        try:
            state, verdicts = rule.step(subject, state=before, readings=readings, now_ms=now_ms)
        except Exception as error:  # a sick rule is counted and shown; the others go on
            self.faults[f"{rule.name}: {type(error).__name__}: {error}"[:120]] += 1
            return
        if state != before:
            self._states[key] = state
            connection.execute(
                "INSERT OR REPLACE INTO rule_state VALUES (?, ?, ?)", (*key, json.dumps(state))
            )
        for verdict in verdicts:
            # What has an incident goes on with it; only a new one may be explained away.
            known = self.lifecycle.has_open(connection, rule.name, subject.device.id)
            if verdict.truth is Truth.BAD and not known and self._explained(rule, subject):
                continue
            self.lifecycle.take(connection, rule, subject, verdict, now_ms=now_ms)

    def _explained(self, rule: Rule, subject: Subject) -> bool:
        """Return whether a meter downstream, at any depth, has the same flow's incident open."""
        if not rule.downstream_first:
            return False
        return any(
            subject.device.id in self._upstream(rule, device)
            for device in self.lifecycle.open_devices(rule.name)
        )

    def _upstream(self, rule: Rule, device: int) -> set[int]:
        found: set[int] = set()
        at = self._subjects[rule.name].get(device)
        while at is not None and at.device.parent and at.device.parent not in found:
            found.add(at.device.parent)
            at = self._subjects[rule.name].get(at.device.parent)
        return found
