"""Incidents: one open at a time for each cause, with its whole history (ISA-18.2 states).

firing -> acknowledged -> closed when it recovers; firing -> recovered (seen by nobody) -> closed
on acknowledgement. A notice closes itself on recovery.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from caretaker.vocabulary import Severity
from storage import audit

Evidence = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, from the first bad reading to its closure."""

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


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an incident's history."""

    at_ms: int
    kind: str
    actor: str
    detail: dict[str, object]


_COLUMNS = (
    "id, fingerprint, rule, rule_version, device, severity, state, since_ms, opened_ms,"
    " acknowledged_ms, acknowledged_by, recovered_ms, closed_ms, evidence"
)


def _incident(row: tuple[object, ...]) -> Incident:
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
    return _incident(tuple(row)) if row else None


def listing(
    connection: sqlite3.Connection, *, state: str = "open", limit: int = 100, before: int = 0
) -> list[Incident]:
    """Return incidents, newest first: state is open, closed or all."""
    where = {"open": "state <> 'closed'", "closed": "state = 'closed'", "all": "1"}[state]
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incident WHERE {where}"  # noqa: S608  (three constants)
        " AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT ?",
        (before, before, limit),
    )
    return [_incident(tuple(row)) for row in rows]


def events(connection: sqlite3.Connection, incident: int) -> list[Event]:
    """Return an incident's history in order."""
    rows = connection.execute(
        "SELECT at_ms, kind, actor, detail FROM incident_event WHERE incident = ? ORDER BY id",
        (incident,),
    )
    return [Event(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def _record(
    connection: sqlite3.Connection,
    incident: int,
    *,
    at_ms: int,
    kind: str,
    actor: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    connection.execute(
        "INSERT INTO incident_event (incident, at_ms, kind, actor, detail) VALUES (?, ?, ?, ?, ?)",
        (incident, at_ms, kind, actor, json.dumps(detail or {}, ensure_ascii=False)),
    )
    audit.append(
        connection,
        at_ms=at_ms,
        actor=actor or "caretaker",
        action=f"incident.{kind}",
        subject=str(incident),
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
) -> int:
    """Open an incident and return its id; the journal allows one open for each rule and device."""
    cursor = connection.execute(
        "INSERT INTO incident (fingerprint, rule, rule_version, device, severity, state, since_ms,"
        " opened_ms, evidence) VALUES (?, ?, ?, ?, ?, 'firing', ?, ?, ?)",
        (
            f"{rule}:{device}",
            rule,
            version,
            device,
            severity.value,
            since_ms,
            now_ms,
            json.dumps(dict(evidence)),
        ),
    )
    incident = cursor.lastrowid or 0
    _record(
        connection,
        incident,
        at_ms=now_ms,
        kind="opened",
        detail={"severity": severity.value, **evidence},
    )
    return incident


def worsen(
    connection: sqlite3.Connection,
    incident: int,
    *,
    severity: Severity,
    now_ms: int,
    evidence: Evidence,
) -> None:
    """Raise the severity; what was acknowledged must be acknowledged anew."""
    connection.execute(
        "UPDATE incident SET severity = ?, evidence = ?, state = 'firing', recovered_ms = NULL,"
        " acknowledged_ms = NULL, acknowledged_by = '' WHERE id = ?",
        (severity.value, json.dumps(dict(evidence)), incident),
    )
    _record(
        connection,
        incident,
        at_ms=now_ms,
        kind="escalated",
        detail={"severity": severity.value, **evidence},
    )


def refresh(connection: sqlite3.Connection, incident: int, evidence: Evidence) -> None:
    """Keep the newest figures beside the incident."""
    connection.execute(
        "UPDATE incident SET evidence = ? WHERE id = ?", (json.dumps(dict(evidence)), incident)
    )


def relapse(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> None:
    """A recovered incident that nobody acknowledged is bad again."""
    connection.execute(
        "UPDATE incident SET state = 'firing', recovered_ms = NULL WHERE id = ?", (incident,)
    )
    _record(connection, incident, at_ms=now_ms, kind="relapsed")


def recover(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> bool:
    """Take a recovery seen in the data; return whether the incident is closed by it."""
    found = find(connection, incident)
    if found is None or found.state in {"recovered", "closed"}:
        return False
    closed = found.state == "acknowledged" or found.severity is Severity.NOTICE
    connection.execute(
        "UPDATE incident SET recovered_ms = ?, state = ?, closed_ms = ? WHERE id = ?",
        (now_ms, "closed" if closed else "recovered", now_ms if closed else None, incident),
    )
    _record(connection, incident, at_ms=now_ms, kind="recovered")
    if closed:
        _record(connection, incident, at_ms=now_ms, kind="closed")
    return closed


def acknowledge(
    connection: sqlite3.Connection, incident: int, *, actor: str, note: str = "", now_ms: int
) -> Incident:
    """A person has taken it on; a recovered one is closed by that. Raises KeyError."""
    found = find(connection, incident)
    if found is None:
        raise KeyError(incident)
    if found.state not in {"firing", "recovered"}:
        return found
    closed = found.state == "recovered"
    connection.execute(
        "UPDATE incident SET acknowledged_ms = ?, acknowledged_by = ?, state = ?, closed_ms = ?"
        " WHERE id = ?",
        (
            now_ms,
            actor,
            "closed" if closed else "acknowledged",
            now_ms if closed else None,
            incident,
        ),
    )
    _record(
        connection,
        incident,
        at_ms=now_ms,
        kind="acknowledged",
        actor=actor,
        detail={"note": note} if note else None,
    )
    if closed:
        _record(connection, incident, at_ms=now_ms, kind="closed", actor=actor)
    changed = find(connection, incident)
    assert changed is not None
    return changed


def note(
    connection: sqlite3.Connection, incident: int, *, actor: str, text: str, now_ms: int
) -> None:
    """Add a person's words to the history. Raises KeyError."""
    if find(connection, incident) is None:
        raise KeyError(incident)
    _record(connection, incident, at_ms=now_ms, kind="note", actor=actor, detail={"text": text})


def close(
    connection: sqlite3.Connection, incident: int, *, actor: str, reason: str, now_ms: int
) -> Incident:
    """Close by a person's decision, with the reason kept. Raises KeyError."""
    found = find(connection, incident)
    if found is None:
        raise KeyError(incident)
    if found.state != "closed":
        connection.execute(
            "UPDATE incident SET state = 'closed', closed_ms = ? WHERE id = ?", (now_ms, incident)
        )
        _record(
            connection,
            incident,
            at_ms=now_ms,
            kind="closed",
            actor=actor,
            detail={"reason": reason},
        )
    changed = find(connection, incident)
    assert changed is not None
    return changed
