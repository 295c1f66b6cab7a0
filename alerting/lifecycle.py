"""From verdict to incident: opened, worsened, recovered, and told of, in the same transaction."""

import sqlite3
from collections.abc import Sequence

from alerting.port import Rule, Subject, Verdict
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, Severity, Truth
from storage import incidents, outbox

_RANK = {Severity.NOTICE: 0, Severity.ALARM: 1, Severity.CRITICAL: 2}


class Lifecycle:
    """Keeps one open incident for each cause, by what the rules say of it.

    UNKNOWN changes nothing: silence never closes an incident. With `notifying` off, incidents are
    made and nobody is told: so is history filled in.
    """

    def __init__(self, site: SiteSettings) -> None:
        self.notifying = True
        self._channels = site.channels
        self._open: dict[tuple[str, int], incidents.Incident] = {}
        self._devices: dict[int, Device] = {}

    def load(self, connection: sqlite3.Connection) -> None:
        """Take the open incidents from the journal."""
        self._open = {
            (item.rule, item.device): item
            for item in incidents.listing(connection, state="open", limit=100_000)
        }

    def know(self, subjects: Sequence[Subject]) -> None:
        """Take the adopted devices as they stand now."""
        self._devices = {subject.device.id: subject.device for subject in subjects}

    def tick(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Do what time alone makes due; called at the end of every judged batch."""

    def open_devices(self, rule: str) -> list[int]:
        """Return the devices that have an incident of this rule."""
        return [device for name, device in self._open if name == rule]

    def has_open(self, connection: sqlite3.Connection, rule: str, device: int) -> bool:
        """Return whether a device has an incident of this rule that is not closed."""
        return self._known(connection, (rule, device)) is not None

    def _known(
        self, connection: sqlite3.Connection, key: tuple[str, int]
    ) -> incidents.Incident | None:
        """Return the open incident as it stands; a person may have closed it meanwhile."""
        known = self._open.get(key)
        if known is None:
            return None
        known = incidents.find(connection, known.id)
        if known is None or known.state == "closed":
            self._open.pop(key, None)
            return None
        return known

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
        key = (rule.name, subject.device.id)
        known = self._known(connection, key)
        if verdict.truth is Truth.BAD:
            self._bad(connection, rule, subject, verdict, known=known, now_ms=now_ms)
        elif verdict.truth is Truth.OK and verdict.recovered and known is not None:
            if known.state != "recovered":
                incidents.recover(connection, known.id, now_ms=verdict.at_ms)
                self._queue(connection, known.id, "resolved", known.severity, now_ms)
            self._remember(connection, key, known.id)

    def _bad(
        self,
        connection: sqlite3.Connection,
        rule: Rule,
        subject: Subject,
        verdict: Verdict,
        *,
        known: incidents.Incident | None,
        now_ms: int,
    ) -> None:
        key = (rule.name, subject.device.id)
        if known is None:
            number = incidents.open_incident(
                connection,
                rule=rule.name,
                version=rule.version,
                device=subject.device.id,
                severity=verdict.severity,
                since_ms=verdict.since_ms,
                now_ms=verdict.at_ms,
                evidence=verdict.evidence,
            )
            self._queue(connection, number, "opened", verdict.severity, now_ms)
        elif _RANK[verdict.severity] > _RANK[known.severity]:
            number = known.id
            incidents.worsen(
                connection,
                number,
                severity=verdict.severity,
                now_ms=verdict.at_ms,
                evidence=verdict.evidence,
            )
            self._queue(connection, number, "escalated", verdict.severity, now_ms)
        else:
            number = known.id
            if known.state == "recovered":
                incidents.relapse(connection, number, now_ms=verdict.at_ms)
                self._queue(connection, number, "opened", known.severity, now_ms)
            incidents.refresh(connection, number, verdict.evidence)
        self._remember(connection, key, number)

    def _remember(self, connection: sqlite3.Connection, key: tuple[str, int], number: int) -> None:
        found = incidents.find(connection, number)
        if found is None or found.state == "closed":
            self._open.pop(key, None)
        else:
            self._open[key] = found

    def _queue(
        self,
        connection: sqlite3.Connection,
        incident: int,
        kind: str,
        severity: Severity,
        now_ms: int,
    ) -> None:
        if not self.notifying:
            return
        row = connection.execute(
            "SELECT count(*) FROM incident_event WHERE incident = ?", (incident,)
        ).fetchone()
        for channel in self._channels:
            if severity.value in channel.severities:
                outbox.queue(
                    connection,
                    incident=incident,
                    kind=kind,
                    channel=channel.name,
                    now_ms=now_ms,
                    step=int(row[0]),
                )

    def begin_notifying(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """From now on people are told; what is open and unanswered is told now."""
        self.notifying = True
        for item in incidents.listing(connection, state="open", limit=100_000):
            told = connection.execute(
                "SELECT 1 FROM outbox WHERE incident = ? LIMIT 1", (item.id,)
            ).fetchone()
            if item.state == "firing" and told is None:
                self._queue(connection, item.id, "opened", item.severity, now_ms)
