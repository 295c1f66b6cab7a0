"""What people record of a unit of cold storage: states, manual probes, dispositions, calibration.

A record is never deleted; ending a state adds its end. Every change is a row of the audit chain.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from storage import audit


class RecordKind(StrEnum):
    """What a record says."""

    RECEIVING = "receiving"  # a delivery is being put away
    CLEANING = "cleaning"
    DECOMMISSIONED = "decommissioned"  # empty: holds no food
    PLANNED_OUTAGE = "planned_outage"
    PROBE = "probe"  # a food temperature measured by hand
    CALIBRATION = "calibration"
    DISPOSITION = "disposition"  # what became of the food: resets the exposure clock


STATES = frozenset(
    {
        RecordKind.RECEIVING,
        RecordKind.CLEANING,
        RecordKind.DECOMMISSIONED,
        RecordKind.PLANNED_OUTAGE,
    }
)
"""Kinds that last from `at_ms` to `until_ms` (open: None); the others happen at an instant."""


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One fact about a unit; `value` is a temperature [degC] or, for a calibration, an offset [K].

    `device` 0 stands for the whole site (a planned outage).
    """

    id: int
    device: int
    kind: RecordKind
    at_ms: int
    until_ms: int | None = None
    value: float | None = None
    author: str = ""
    note: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)
    recorded_ms: int = 0

    def holds(self, at_ms: int) -> bool:
        """Return whether a state lasts at an instant.

        >>> UnitRecord(1, 1, RecordKind.CLEANING, 10, 20).holds(15)
        True
        """
        return self.at_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)


_COLUMNS = "id, device, kind, at_ms, until_ms, value, author, note, detail, recorded_ms"


def _record(row: Sequence[object]) -> UnitRecord:
    values = list(row)
    values[2] = RecordKind(str(row[2]))
    values[8] = json.loads(str(row[8]))
    return UnitRecord(*values)  # type: ignore[arg-type]  # column order is the field order


def find(connection: sqlite3.Connection, record: int) -> UnitRecord | None:
    """Return one record."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM unit_record WHERE id = ?",  # noqa: S608  (constant column list)
        (record,),
    ).fetchone()
    return _record(tuple(row)) if row else None


def listing(
    connection: sqlite3.Connection,
    *,
    device: int | None = None,
    kinds: Sequence[RecordKind] = (),
    since_ms: int = 0,
    limit: int = 100_000,
) -> list[UnitRecord]:
    """Return records by their instant: those that happened or lasted after `since_ms`."""
    wanted = [kind.value for kind in kinds or RecordKind]
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM unit_record WHERE (? IS NULL OR device = ?)"  # noqa: S608
        f" AND kind IN ({marks}) AND (at_ms >= ? OR until_ms > ? OR until_ms IS NULL)"
        " ORDER BY at_ms DESC, id DESC LIMIT ?",
        (device, device, *wanted, since_ms, since_ms, limit),
    )
    return [_record(tuple(row)) for row in rows][::-1]


def add(
    connection: sqlite3.Connection,
    *,
    device: int,
    kind: RecordKind,
    at_ms: int,
    now_ms: int,
    author: str,
    until_ms: int | None = None,
    value: float | None = None,
    note: str = "",
    detail: Mapping[str, object] | None = None,
) -> UnitRecord:
    """Write a record down and return it. Raises ValueError when it has no author."""
    if not author.strip():
        raise ValueError("a record needs its author")
    cursor = connection.execute(
        "INSERT INTO unit_record (device, kind, at_ms, until_ms, value, author, note, detail,"
        " recorded_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            device,
            kind.value,
            at_ms,
            until_ms,
            value,
            author,
            note,
            json.dumps(dict(detail or {}), ensure_ascii=False),
            now_ms,
        ),
    )
    audit.append(
        connection,
        at_ms=now_ms,
        actor=author,
        action=f"unit.{kind.value}",
        subject=str(device),
        detail={"at_ms": at_ms, "until_ms": until_ms, "value": value, "note": note}
        | dict(detail or {}),
    )
    made = find(connection, cursor.lastrowid or 0)
    assert made is not None
    return made


def end(
    connection: sqlite3.Connection, record: int, *, at_ms: int, now_ms: int, author: str
) -> UnitRecord:
    """End a state that lasts. Raises KeyError, and ValueError for what does not last."""
    found = find(connection, record)
    if found is None:
        raise KeyError(record)
    if found.kind not in STATES:
        raise ValueError(f"a {found.kind.value} does not last")
    if found.until_ms is None or found.until_ms > at_ms:
        until_ms = max(at_ms, found.at_ms)
        connection.execute("UPDATE unit_record SET until_ms = ? WHERE id = ?", (until_ms, record))
        audit.append(
            connection,
            at_ms=now_ms,
            actor=author,
            action=f"unit.{found.kind.value}.ended",
            subject=str(found.device),
            detail={"record": record, "until_ms": until_ms},
        )
    changed = find(connection, record)
    assert changed is not None
    return changed
