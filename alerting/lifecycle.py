"""From verdict to incident, and from incident to people; all in the caller's transaction."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from alerting.notify import plan
from alerting.notify.inhibit import UNMONITORED, UNSTABLE, food
from alerting.notify.pipeline import Pipeline
from alerting.notify.port import DROP, HOLD, Matter, World
from alerting.port import Rule, Subject, Verdict
from alerting.site_causes import SOURCES, SiteCauses
from caretaker.calendar import SchoolCalendar
from caretaker.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from caretaker.config import SiteSettings
from caretaker.faultpoints import reach
from caretaker.vocabulary import Device, DeviceStatus, Severity, Truth
from storage import calls, incidents, outbox, silences
from storage.incidents import ACKNOWLEDGED, CANARY, DRILL, FIRING, PENDING, RECOVERING, Incident

CANARY_KEY = "/caretaker-canary"
_RANK = silences.RANK
_PENDING_MS = 20 * SECOND_MS
"""So long a silent device waits for its gateway to be found silent."""

_PENDING_RULES = frozenset({"device_silent"})
_COLD_GOOD, _COLD_STEADY_MS = 2, 10 * MINUTE_MS
"""Cold storage: so many more good verdicts, over so long, prove a recovery."""

_FLAPS, _FLAP_MS = 3, HOUR_MS  # rule-book 9.2
_LOOK_MS = 5 * SECOND_MS


class Lifecycle:
    """Keeps one open incident for each cause, by what the rules say of it, and calls people.

    UNKNOWN changes nothing: silence never closes an incident. With `notifying` off, incidents are
    made and nobody is told: so is history filled in. All that is in memory mirrors the journal.
    """

    def __init__(self, site: SiteSettings) -> None:
        self.notifying = True
        self.site = site
        self._calendar = SchoolCalendar(site.calendar, site.zone)
        self._pipeline = Pipeline()
        self._live: dict[int, Incident] = {}
        self._by_cause: dict[str, int] = {}
        self._seen_ms: dict[int, int] = {}
        self._due_ms: dict[int, int] = {}
        self._devices: dict[int, Device] = {}
        self._causes = SiteCauses()
        self._looked_ms = 0
        self._stale = False

    # -- what it knows ----------------------------------------------------------------------

    def load(self, connection: sqlite3.Connection) -> None:
        """Take the open incidents from the journal: at the start, and after a failed commit."""
        self._pipeline.forget()
        self._reload(connection)

    def _reload(self, connection: sqlite3.Connection) -> None:
        found = incidents.listing(connection, state="live", limit=100_000)
        self._live = {item.id: item for item in reversed(found)}
        self._by_cause = {
            item.fingerprint: item.id for item in found if item.state != incidents.RESOLVED
        }
        self._due_ms = dict.fromkeys(self._live, 0)
        self._stale = False

    def know(self, subjects: Sequence[Subject]) -> None:
        """Take the devices as they stand now; a person may have changed incidents besides."""
        self._devices = {subject.device.id: subject.device for subject in subjects}
        self._stale = True

    def open_devices(self, rule: str) -> list[int]:
        """Return the devices that have an incident of this rule."""
        return [item.device for item in self._live.values() if item.rule == rule]

    def has_open(self, connection: sqlite3.Connection, rule: str, device: int) -> bool:
        """Return whether a device has an incident of this rule that is not resolved."""
        return self._known(connection, incidents.fingerprint(rule, device)) is not None

    def _known(self, connection: sqlite3.Connection, cause: str) -> Incident | None:
        """Return the open incident as it stands; a person may have closed it meanwhile."""
        number = self._by_cause.get(cause)
        if number is None:
            return None
        return self._keep(connection, number)

    def _keep(self, connection: sqlite3.Connection, number: int) -> Incident | None:
        """Look an incident up again, and at what is due for it; forget it when it is over."""
        found = incidents.find(connection, number)
        if found is None:
            return None
        known = self._live.get(number)
        if known is None or (found.state, found.raised_ms, found.proved, found.severity) != (
            known.state, known.raised_ms, known.proved, known.severity,
        ):  # fmt: skip
            self._due_ms[number] = 0
        self._live[number] = found
        if found.state == incidents.RESOLVED:
            self._by_cause.pop(found.fingerprint, None)
            if not self.notifying and not _told(connection, number).calls:
                calls.finish(connection, number)
                self._forget(number)
            return None
        self._by_cause[found.fingerprint] = number
        return found

    # -- verdicts ---------------------------------------------------------------------------

    def take(
        self,
        connection: sqlite3.Connection,
        rule: Rule,
        subject: Subject,
        verdict: Verdict,
        *,
        now_ms: int,
    ) -> None:
        """Let a verdict change the incident of its cause, in the caller's transaction."""
        device = subject.device
        known = self._known(connection, incidents.fingerprint(rule.name, device.id))
        if verdict.truth is Truth.BAD:
            if known is None:
                number = self._open(connection, rule, device, verdict, now_ms=now_ms)
            else:
                number = known.id
                self._worse(connection, known, verdict, now_ms=now_ms)
            # What time itself shows, as silence, is still so now.
            if known is None and rule.name in SOURCES:
                self._looked_ms = 0  # is it one of many? looked at before anybody is told
            self._seen_ms[number] = now_ms if rule.timed else verdict.at_ms
            self._keep(connection, number)
            self._guard_flaps(connection, rule, device, verdict, now_ms=now_ms)
        elif verdict.truth is Truth.OK and known is not None:
            self._good(connection, known, device, verdict)
            self._keep(connection, known.id)

    def _open(
        self,
        connection: sqlite3.Connection,
        rule: Rule,
        device: Device,
        verdict: Verdict,
        *,
        now_ms: int,
    ) -> int:
        number = incidents.open_incident(
            connection,
            rule=rule.name,
            version=rule.version,
            device=device.id,
            severity=verdict.severity,
            since_ms=verdict.since_ms,
            now_ms=verdict.at_ms,
            evidence=_evidence(verdict),
            kind=kind_of(device),
            state=PENDING if rule.name in _PENDING_RULES else FIRING,
            raised_ms=now_ms,
        )
        reach("lifecycle.opened")
        return number

    @staticmethod
    def _worse(
        connection: sqlite3.Connection, known: Incident, verdict: Verdict, *, now_ms: int
    ) -> None:
        graver = _RANK[verdict.severity] > _RANK[known.severity]
        further = verdict.stage > float(known.evidence.get("stage", 0))
        if graver or (further and _RANK[verdict.severity] == _RANK[known.severity]):
            incidents.worsen(
                connection,
                known.id,
                severity=verdict.severity,
                now_ms=verdict.at_ms,
                evidence=_evidence(verdict),
                raised_ms=now_ms,
            )
            return
        if known.state == RECOVERING:
            incidents.relapse(connection, known.id, now_ms=verdict.at_ms, raised_ms=now_ms)
        incidents.refresh(connection, known.id, _evidence(verdict))

    @staticmethod
    def _good(
        connection: sqlite3.Connection, known: Incident, device: Device, verdict: Verdict
    ) -> None:
        """Let it recover when the rule says so, and hold until it stayed good long enough."""
        steady = device.role.cold and known.rule not in _PENDING_RULES
        if known.state != RECOVERING:
            if not verdict.recovered:
                return
            incidents.recover(connection, known.id, now_ms=verdict.at_ms)
            if not steady or known.kind == CANARY:
                incidents.prove(connection, known.id, now_ms=verdict.at_ms)
            return
        if known.proved:
            return
        incidents.count_good(connection, known.id)
        lasted = verdict.at_ms - (known.recovered_ms or verdict.at_ms)
        if known.good + 1 >= _COLD_GOOD and lasted >= _COLD_STEADY_MS:
            incidents.prove(connection, known.id, now_ms=verdict.at_ms)

    def _guard_flaps(
        self,
        connection: sqlite3.Connection,
        rule: Rule,
        device: Device,
        verdict: Verdict,
        *,
        now_ms: int,
    ) -> None:
        """More than three firings in an hour: one `unstable` speaks for the cause."""
        cause = incidents.fingerprint(rule.name, device.id)
        if kind_of(device) or self._known(connection, f"{UNSTABLE}:{device.id}") is not None:
            return
        count = incidents.firings(connection, cause, since_ms=verdict.at_ms - _FLAP_MS)
        if count > _FLAPS:
            number = incidents.open_incident(
                connection,
                rule=UNSTABLE,
                version="1",
                device=device.id,
                severity=verdict.severity,
                since_ms=verdict.since_ms,
                now_ms=now_ms,
                evidence={"firings": count, "rule": rule.name},
                scope=cause,
            )
            self._keep(connection, number)

    # -- time -------------------------------------------------------------------------------

    def tick(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Do what time alone makes due, and call people; the end of every judged batch."""
        if self._stale:
            self._reload(connection)
        if not self.notifying:
            return
        if now_ms - self._looked_ms >= _LOOK_MS or now_ms < self._looked_ms:
            self._looked_ms = now_ms
            self._look(connection, now_ms=now_ms)
        ready = [number for number, at_ms in self._due_ms.items() if at_ms <= now_ms]
        if not ready:
            return
        world = World(
            connection,
            self.site,
            self._calendar,
            self._live,
            self._devices,
            silences.in_force(connection, now_ms=now_ms),
        )
        # Site-level causes first: their symptoms look whether they are open.
        for number in sorted(ready, key=lambda n: (self._live[n].device != 0, n)):
            self._call(world, number, now_ms=now_ms)

    def _look(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        for change in self._causes.look(self._live.values(), self._devices, now_ms=now_ms):
            number = change.apply(connection, now_ms=now_ms)
            self._keep(connection, number)
        for item in list(self._live.values()):
            if max(item.raised_ms, item.acknowledged_ms or 0) > now_ms + MINUTE_MS:
                calls.pull_back(connection, item.id, now_ms=now_ms)
                self._keep(connection, item.id)
                self._due_ms[item.id] = 0
            elif item.state == PENDING and now_ms - item.raised_ms >= _PENDING_MS:
                incidents.fire(connection, item.id, now_ms=now_ms)
                self._keep(connection, item.id)
            elif item.state == ACKNOWLEDGED and self._forgotten(item, now_ms):
                incidents.raise_again(connection, item.id, now_ms=now_ms)
                self._keep(connection, item.id)
            elif item.rule == UNSTABLE and item.state in {FIRING, ACKNOWLEDGED}:
                self._steady(connection, item, now_ms=now_ms)
        outbox.fall_back(connection, self.site, now_ms=now_ms)

    def _forgotten(self, item: Incident, now_ms: int) -> bool:
        after_ms = self.site.escalation.reraise_min * MINUTE_MS
        quiet = item.severity is Severity.NOTICE or not after_ms
        return not quiet and now_ms - (item.acknowledged_ms or now_ms) >= after_ms

    def _steady(self, connection: sqlite3.Connection, item: Incident, *, now_ms: int) -> None:
        """End an `unstable` when its cause stayed in one state for an hour and is not bad."""
        cause = self._live.get(self._by_cause.get(item.scope, 0))
        bad = cause is not None and cause.state in {PENDING, FIRING, ACKNOWLEDGED}
        if bad or incidents.firings(connection, item.scope, since_ms=now_ms - _FLAP_MS):
            return
        incidents.recover(connection, item.id, now_ms=now_ms)
        incidents.prove(connection, item.id, now_ms=now_ms)
        self._keep(connection, item.id)

    # -- people -----------------------------------------------------------------------------

    def _call(self, world: World, number: int, *, now_ms: int) -> None:
        """Tell people what is due of one incident, and set when to look again."""
        connection = world.connection
        item = incidents.find(connection, number)
        if item is None:
            self._forget(number)
            return
        self._live[number] = item
        told = _told(connection, number)
        device = self._devices.get(item.device)
        cold = device is not None and device.role.cold
        # What was held starts with the first level: nobody had a chance to take it on.
        waited = item.calling and told.raised != item.raised_ms and calls.held(connection, number)
        first = plan.tiers_of(self.site.escalation, item.severity)[0].after_min * MINUTE_MS
        due = plan.due(
            item,
            told,
            plan=self.site.escalation,
            raised_by=calls.raised_by(connection, number),
            now_ms=min(now_ms, round(item.raised_ms + first)) if waited else now_ms,
            grave=food(item, cold=cold) and not item.kind,
        )
        self._due_ms[number] = plan.next_ms(item, told, plan=self.site.escalation, now_ms=now_ms)
        if due is not None:
            matter = Matter(
                item, due.occasion, now_ms, device, due.levels, self._seen_ms.get(number, 0),
                told.calls,
            )  # fmt: skip
            ruling = self._pipeline.run(matter, world)
            if ruling.outcome == HOLD:
                self._due_ms[number] = now_ms + _LOOK_MS
            else:
                then = due.then
                if ruling.outcome == DROP:
                    then = replace(then, calls=told.calls)
                elif waited:
                    calls.begin_calling(connection, number, now_ms=now_ms)
                    item = self._live[number] = incidents.need(connection, number)
                    then = replace(then, raised=item.raised_ms)
                calls.tell(connection, number, then.dump())
                self._due_ms[number] = plan.next_ms(
                    item, then, plan=self.site.escalation, now_ms=now_ms
                )
        if item.state == incidents.RESOLVED:
            calls.finish(connection, number)
            self._forget(number)

    def _forget(self, number: int) -> None:
        self._live.pop(number, None)
        self._due_ms.pop(number, None)
        self._seen_ms.pop(number, None)

    def begin_notifying(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """From now on people are told; what nobody was told of yet is told now."""
        if self.notifying:
            return
        self.notifying = True
        self.load(connection)
        for item in self._live.values():
            if _told(connection, item.id).raised != item.raised_ms:
                calls.begin_calling(connection, item.id, now_ms=now_ms)
        self.tick(connection, now_ms=now_ms)


def _told(connection: sqlite3.Connection, number: int) -> plan.Told:
    return plan.Told(**json.loads(calls.told(connection, number)))


def _evidence(verdict: Verdict) -> dict[str, float | int | str]:
    """Return a verdict's figures, with how far its clock has come."""
    stage: dict[str, float | int | str] = {"stage": verdict.stage} if verdict.stage else {}
    return {**verdict.evidence, **stage}


def kind_of(device: Device) -> str:
    """Return the kind of a device's incidents: its own machinery's are not the school's."""
    if device.status is not DeviceStatus.INTERNAL:
        return ""
    return CANARY if device.key.endswith(CANARY_KEY) else DRILL


__all__ = ["UNMONITORED", "Lifecycle", "kind_of"]
