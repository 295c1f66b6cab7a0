"""Incidents: one open at a time for each cause, with its whole history (ISA-18.2 states).

pending -> firing -> acknowledged -> recovering -> resolved. `pending` looks for a larger cause
before anybody is told; `recovering` was seen good and must stay so; it is `resolved` when that is
proved and somebody has acknowledged it. A notice needs nobody.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caretaker.vocabulary import Severity
from storage import audit

Evidence = Mapping[str, float | int | str]

PENDING, FIRING, ACKNOWLEDGED = "pending", "firing", "acknowledged"
RECOVERING, RESOLVED = "recovering", "resolved"
STATES = (PENDING, FIRING, ACKNOWLEDGED, RECOVERING, RESOLVED)

CANARY, DRILL, SITE = "canary", "drill", "site"
"""Kinds of incident; the usual one is ''. Neither canary nor drill counts in any figure."""

REAL = "kind NOT IN ('canary', 'drill')"
"""The condition for what really happened, for queries on the table `incident`."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, from the first bad reading to its end.

    `device` is 0 when the cause is a site's, a building's or a gateway's; then `scope` names it.
    `good` counts what was seen good in a row since it began to recover, `proved` is 1 when that is
    enough; `raised_ms` is when people were last called: the clock of the escalation.
    """

    id: int
    fingerprint: str
    rule: str
    rule_version: str
    device: int
    severity: Severity
    state: str
    since_ms: int
    opened_ms: int
    acknowledged_ms: int | None
    acknowledged_by: str
    recovered_ms: int | None
    closed_ms: int | None
    evidence: dict[str, float | int | str] = field(default_factory=dict)
    kind: str = ""
    scope: str = ""
    good: int = 0
    proved: int = 0
    raised_ms: int = 0

    @property
    def calling(self) -> bool:
        """Whether it waits for somebody to take it on."""
        return self.state == FIRING


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an incident's history."""

    at_ms: int
    kind: str
    actor: str
    detail: dict[str, object]


_COLUMNS = (
    "id, fingerprint, rule, rule_version, device, severity, state, since_ms, opened_ms,"
    " acknowledged_ms, acknowledged_by, recovered_ms, closed_ms, evidence, kind, scope, good,"
    " proved, raised_ms"
)
_WHERE = {
    "open": f"state <> 'resolved' AND {REAL}",
    "closed": f"state = 'resolved' AND {REAL}",
    "all": REAL,
    "live": "done = 0",
}


def _incident(row: Sequence[object]) -> Incident:
    values = list(row)
    values[5] = Severity(str(row[5]))
    values[13] = json.loads(str(row[13]))
    return Incident(*values)  # type: ignore[arg-type]  # column order is the field order


def find(connection: sqlite3.Connection, incident: int) -> Incident | None:
    """Return one incident."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE id = ?",  # noqa: S608  (constant column list)
        (incident,),
    ).fetchone()
    return _incident(row) if row else None


def need(connection: sqlite3.Connection, incident: int) -> Incident:
    """Return one incident. Raises KeyError."""
    found = find(connection, incident)
    if found is None:
        raise KeyError(incident)
    return found


def open_of(connection: sqlite3.Connection, fingerprint: str) -> Incident | None:
    """Return the open incident of a cause, if there is one."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE fingerprint = ?"  # noqa: S608
        " AND state <> 'resolved'",
        (fingerprint,),
    ).fetchone()
    return _incident(row) if row else None


def listing(
    connection: sqlite3.Connection, *, state: str = "open", limit: int = 100, before: int = 0
) -> list[Incident]:
    """Return incidents, newest first: state is open, closed, all or live.

    Live are those that something remains to be done or said of, canary and drill included.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE {_WHERE[state]}"  # noqa: S608  (constants)
        " AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT ?",
        (before, before, limit),
    )
    return [_incident(row) for row in rows]


def events(connection: sqlite3.Connection, incident: int) -> list[Event]:
    """Return an incident's history in order."""
    rows = connection.execute(
        "SELECT at_ms, kind, actor, detail FROM incident_event WHERE incident = ? ORDER BY id",
        (incident,),
    )
    return [Event(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def firings(connection: sqlite3.Connection, fingerprint: str, *, since_ms: int) -> int:
    """Return how often a cause began to fire since then."""
    row = connection.execute(
        "SELECT count(*) FROM incident_event AS e JOIN incident AS i ON i.id = e.incident"
        " WHERE i.fingerprint = ? AND e.at_ms >= ? AND e.kind IN ('opened', 'relapsed')",
        (fingerprint, since_ms),
    ).fetchone()
    return int(row[0])


def record(
    connection: sqlite3.Connection,
    incident: Incident,
    *,
    at_ms: int,
    kind: str,
    actor: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add a line to the history and, but for the canary's, to the audit log."""
    connection.execute(
        "INSERT INTO incident_event (incident, at_ms, kind, actor, detail) VALUES (?, ?, ?, ?, ?)",
        (incident.id, at_ms, kind, actor, json.dumps(detail or {}, ensure_ascii=False)),
    )
    if incident.kind != CANARY:
        audit.append(
            connection,
            at_ms=at_ms,
            actor=actor or "caretaker",
            action=f"incident.{kind}",
            subject=str(incident.id),
            detail=detail,
        )


def open_incident(
    connection: sqlite3.Connection,
    *,
    rule: str,
    version: str,
    device: int,
    severity: Severity,
    since_ms: int,
    now_ms: int,
    evidence: Evidence,
    kind: str = "",
    scope: str = "",
    state: str = FIRING,
    raised_ms: int = 0,
) -> int:
    """Open an incident and return its id; the journal allows one open for each cause.

    `now_ms` is when it was found in the data, `raised_ms` when people can be called at last. The
    cause, its fingerprint, is a rule and its device, or a rule and its scope.
    """
    cursor = connection.execute(
        "INSERT INTO incident (fingerprint, rule, rule_version, device, severity, state, since_ms,"
        " opened_ms, evidence, kind, scope, raised_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            fingerprint(rule, device, scope),
            rule,
            version,
            device,
            severity.value,
            state,
            since_ms,
            now_ms,
            json.dumps(dict(evidence)),
            kind,
            scope,
            raised_ms or now_ms,
        ),
    )
    made = need(connection, cursor.lastrowid or 0)
    detail = {"severity": severity.value, **evidence}
    record(connection, made, at_ms=now_ms, kind="opened", detail=detail)
    return made.id


def fingerprint(rule: str, device: int, scope: str = "") -> str:
    """Return what tells one cause from another.

    >>> fingerprint("device_silent", 3), fingerprint("units_unmonitored", 0, "building:c")
    ('device_silent:3', 'units_unmonitored:building:c')
    """
    return f"{rule}:{device or scope}"


def fire(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> None:
    """No larger cause was found: a pending one now calls."""
    connection.execute(
        "UPDATE incident SET state = 'firing', raised_ms = ? WHERE id = ? AND state = 'pending'",
        (now_ms, incident),
    )


def worsen(
    connection: sqlite3.Connection,
    incident: int,
    *,
    severity: Severity,
    now_ms: int,
    evidence: Evidence,
    raised_ms: int = 0,
) -> None:
    """Raise the severity; what was acknowledged must be acknowledged anew.

    Each raise has an instant of its own, by which the escalation tells it from the one before.
    """
    connection.execute(
        "UPDATE incident SET severity = ?, evidence = ?, state = 'firing', recovered_ms = NULL,"
        " good = 0, proved = 0, acknowledged_ms = NULL, acknowledged_by = '',"
        " raised_ms = max(?, raised_ms + 1) WHERE id = ?",
        (severity.value, json.dumps(dict(evidence)), raised_ms or now_ms, incident),
    )
    record(
        connection,
        need(connection, incident),
        at_ms=now_ms,
        kind="escalated",
        detail={"severity": severity.value, **evidence},
    )


def refresh(connection: sqlite3.Connection, incident: int, evidence: Evidence) -> None:
    """Keep the newest figures beside the incident."""
    connection.execute(
        "UPDATE incident SET evidence = ? WHERE id = ?", (json.dumps(dict(evidence)), incident)
    )


def recover(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> None:
    """The data look good again: from now on it must stay so."""
    connection.execute(
        "UPDATE incident SET recovered_ms = ?, state = 'recovering', good = 0 WHERE id = ?"
        " AND state IN ('pending', 'firing', 'acknowledged')",
        (now_ms, incident),
    )
    record(connection, need(connection, incident), at_ms=now_ms, kind="recovered")


def count_good(connection: sqlite3.Connection, incident: int) -> None:
    """One more good verdict since it began to recover."""
    connection.execute("UPDATE incident SET good = good + 1 WHERE id = ?", (incident,))


def prove(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> Incident:
    """Enough was seen good: resolved, unless somebody must still say that it was noticed."""
    connection.execute("UPDATE incident SET proved = 1 WHERE id = ?", (incident,))
    found = need(connection, incident)
    if (
        found.acknowledged_ms is not None
        or found.severity is Severity.NOTICE
        or found.kind == CANARY
    ):
        return resolve(connection, incident, now_ms=now_ms)
    return found


def relapse(
    connection: sqlite3.Connection, incident: int, *, now_ms: int, raised_ms: int = 0
) -> str:
    """What was recovering is bad again; return the state it went back to."""
    found = need(connection, incident)
    state = FIRING if found.acknowledged_ms is None else ACKNOWLEDGED
    # People were told that it is over: they are called anew.
    again_ms = max(raised_ms or now_ms, found.raised_ms + 1) if found.proved else found.raised_ms
    connection.execute(
        "UPDATE incident SET state = ?, recovered_ms = NULL, good = 0, proved = 0, raised_ms = ?"
        " WHERE id = ?",
        (state, again_ms, incident),
    )
    record(connection, found, at_ms=now_ms, kind="relapsed")
    return state


def raise_again(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> None:
    """Call anew: it was acknowledged long ago and is still bad."""
    connection.execute(
        "UPDATE incident SET state = 'firing', raised_ms = max(?, raised_ms + 1),"
        " acknowledged_ms = NULL,"
        " acknowledged_by = '' WHERE id = ? AND state = 'acknowledged'",
        (now_ms, incident),
    )
    record(connection, need(connection, incident), at_ms=now_ms, kind="reraised")


def acknowledge(
    connection: sqlite3.Connection, incident: int, *, actor: str, note: str = "", now_ms: int
) -> Incident:
    """A person has taken it on. Raises KeyError.

    One that is recovering stays so, and is resolved as soon as the recovery is proved.
    """
    found = need(connection, incident)
    if found.state not in {PENDING, FIRING, RECOVERING} or found.acknowledged_ms is not None:
        return found
    state = RECOVERING if found.state == RECOVERING else ACKNOWLEDGED
    connection.execute(
        "UPDATE incident SET acknowledged_ms = ?, acknowledged_by = ?, state = ? WHERE id = ?",
        (now_ms, actor, state, incident),
    )
    detail = {"note": note} if note else None
    record(connection, found, at_ms=now_ms, kind="acknowledged", actor=actor, detail=detail)
    if state == RECOVERING and found.proved:
        return resolve(connection, incident, now_ms=now_ms, actor=actor)
    return need(connection, incident)


def resolve(
    connection: sqlite3.Connection, incident: int, *, now_ms: int, actor: str = ""
) -> Incident:
    """End it: the recovery is proved and nobody need do more."""
    connection.execute(
        "UPDATE incident SET state = 'resolved', closed_ms = ? WHERE id = ?", (now_ms, incident)
    )
    found = need(connection, incident)
    record(connection, found, at_ms=now_ms, kind="closed", actor=actor)
    return found


def note(
    connection: sqlite3.Connection, incident: int, *, actor: str, text: str, now_ms: int
) -> None:
    """Add a person's words to the history. Raises KeyError."""
    found = need(connection, incident)
    record(connection, found, at_ms=now_ms, kind="note", actor=actor, detail={"text": text})


def close(
    connection: sqlite3.Connection, incident: int, *, actor: str, reason: str, now_ms: int
) -> Incident:
    """End it by a person's decision, with the reason kept. Raises KeyError."""
    found = need(connection, incident)
    if found.state != RESOLVED:
        connection.execute(
            "UPDATE incident SET state = 'resolved', closed_ms = ? WHERE id = ?", (now_ms, incident)
        )
        record(
            connection, found, at_ms=now_ms, kind="closed", actor=actor, detail={"reason": reason}
        )
    return need(connection, incident)
