"""Corrective-action records (HACCP, rule-book 2.5): amended with a reason, never deleted."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from storage import audit

FIELDS = frozenset(
    {
        "contents",  # [{batch, product, kg}]
        "cause",  # door, defrost, overload, compressor, power_cut, sensor, delivery, other
        "immediate_action",
        "core_temperatures",  # [{probe, value_c, at_ms, product}]
        "dispositions",  # [{batch, disposition, kg, value_cny, to}]
        "person",
        "verifier",
        "verified_ms",
        "photos",
        "work_order",
        "retained_samples",
        "prevention",
        "max_air_c",
        "max_food_c",
        "single_min",
        "cumulative_min",
        "mkt_24h_c",
        "zone",
        "note",
    }
)
"""What a record can hold; each value is JSON-able and stands as it was last amended."""

CAUSES = (
    "door", "defrost", "overload", "compressor", "power_cut", "sensor", "delivery", "other",
)  # fmt: skip
DISPOSITIONS = ("use_now", "reheat", "move", "discard", "hold", "accept")


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change of a record: who, when, why, what."""

    at_ms: int
    actor: str
    reason: str
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CorrectiveAction:
    """What was done about one excursion; `source` is auto or manual."""

    id: int
    device: int
    incident: int | None
    source: str
    start_ms: int
    end_ms: int | None
    closed_ms: int | None
    content: Mapping[str, object] = field(default_factory=dict)


_COLUMNS = "id, device, incident, source, start_ms, end_ms, closed_ms, content"


def _action(row: Sequence[object]) -> CorrectiveAction:
    values = list(row)
    values[7] = json.loads(str(row[7]))
    return CorrectiveAction(*values)  # type: ignore[arg-type]  # column order is the field order


def find(connection: sqlite3.Connection, action: int) -> CorrectiveAction | None:
    """Return one record."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM corrective_action WHERE id = ?",  # noqa: S608  (constant columns)
        (action,),
    ).fetchone()
    return _action(tuple(row)) if row else None


def of_incident(connection: sqlite3.Connection, incident: int) -> CorrectiveAction | None:
    """Return the record of an incident."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM corrective_action WHERE incident = ?",  # noqa: S608
        (incident,),
    ).fetchone()
    return _action(tuple(row)) if row else None


def listing(
    connection: sqlite3.Connection,
    *,
    device: int | None = None,
    open_only: bool = False,
    start_ms: int = 0,
    end_ms: int = 2**62,
    limit: int = 1000,
) -> list[CorrectiveAction]:
    """Return the records that began in [start_ms, end_ms), newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM corrective_action"  # noqa: S608  (constant column list)
        " WHERE (? IS NULL OR device = ?) AND (? = 0 OR closed_ms IS NULL)"
        " AND start_ms >= ? AND start_ms < ? ORDER BY id DESC LIMIT ?",
        (device, device, int(open_only), start_ms, end_ms, limit),
    )
    return [_action(tuple(row)) for row in rows]


def amendments(connection: sqlite3.Connection, action: int) -> list[Amendment]:
    """Return a record's changes in order."""
    rows = connection.execute(
        "SELECT at_ms, actor, reason, changes FROM corrective_amendment WHERE action = ?"
        " ORDER BY id",
        (action,),
    )
    return [Amendment(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def create(
    connection: sqlite3.Connection,
    *,
    device: int,
    source: str,
    start_ms: int,
    now_ms: int,
    actor: str,
    incident: int | None = None,
    content: Mapping[str, object] | None = None,
) -> CorrectiveAction:
    """Begin a record, one for each incident at most; an incident's existing one is returned.

    Raises ValueError for a field that no record has.
    """
    if incident is not None and (known := of_incident(connection, incident)) is not None:
        return known
    held = _checked(content or {})
    cursor = connection.execute(
        "INSERT INTO corrective_action (device, incident, source, start_ms, content)"
        " VALUES (?, ?, ?, ?, ?)",
        (device, incident, source, start_ms, json.dumps(held, ensure_ascii=False)),
    )
    number = cursor.lastrowid or 0
    audit.append(
        connection,
        at_ms=now_ms,
        actor=actor,
        action="haccp.created",
        subject=str(number),
        detail={"device": device, "incident": incident, "source": source, **held},
    )
    made = find(connection, number)
    assert made is not None
    return made


def amend(
    connection: sqlite3.Connection,
    action: int,
    *,
    changes: Mapping[str, object],
    actor: str,
    reason: str,
    now_ms: int,
    end_ms: int | None = None,
    close: bool = False,
) -> CorrectiveAction:
    """Change fields of a record; what stood there before stays in its amendments.

    Raises KeyError when there is no such record, ValueError without a reason, for an unknown
    field, and for closing what has no disposition or verifier.
    """
    found = find(connection, action)
    if found is None:
        raise KeyError(action)
    if not reason.strip():
        raise ValueError("a change needs its reason")
    held = dict(found.content) | _checked(changes)
    if close and not (held.get("dispositions") and held.get("verifier")):
        raise ValueError("a record is closed with dispositions and a verifier")
    connection.execute(
        "UPDATE corrective_action SET content = ?, end_ms = coalesce(?, end_ms),"
        " closed_ms = CASE WHEN ? THEN coalesce(closed_ms, ?) ELSE closed_ms END WHERE id = ?",
        (json.dumps(held, ensure_ascii=False), end_ms, int(close), now_ms, action),
    )
    told = dict(changes) | ({"end_ms": end_ms} if end_ms else {}) | ({"closed": 1} if close else {})
    connection.execute(
        "INSERT INTO corrective_amendment (action, at_ms, actor, reason, changes)"
        " VALUES (?, ?, ?, ?, ?)",
        (action, now_ms, actor, reason, json.dumps(told, ensure_ascii=False)),
    )
    audit.append(
        connection,
        at_ms=now_ms,
        actor=actor,
        action="haccp.closed" if close else "haccp.amended",
        subject=str(action),
        detail={"reason": reason, **told},
    )
    changed = find(connection, action)
    assert changed is not None
    return changed


def _checked(content: Mapping[str, object]) -> dict[str, object]:
    unknown = set(content) - FIELDS
    if unknown:
        raise ValueError(f"a corrective action has no {', '.join(sorted(unknown))}")
    return dict(content)
