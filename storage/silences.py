"""Silences and maintenance windows: who, why, until when, and where the food is meanwhile."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Severity
from storage import audit

SILENCE, MAINTENANCE = "silence", "maintenance"
RANK: Mapping[Severity, int] = {Severity.NOTICE: 0, Severity.ALARM: 1, Severity.CRITICAL: 2}
LONGEST_MS: Mapping[Severity, int] = {
    Severity.CRITICAL: 4 * HOUR_MS,
    Severity.ALARM: 24 * HOUR_MS,
    Severity.NOTICE: 7 * 24 * HOUR_MS,
}
MAINTENANCE_MS = 8 * HOUR_MS


class SilenceRefusedError(Exception):
    """A silence that must not be; the text says why and what would be allowed."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds notifications up to a severity; empty `device`, `building`, `rule` mean any."""

    id: int
    kind: str
    device: int
    building: str
    rule: str
    severity: Severity
    author: str
    reason: str
    food_at: str
    starts_ms: int
    ends_ms: int
    created_ms: int
    ended_ms: int | None
    ended_by: str


_COLUMNS = (
    "id, kind, device, building, rule, severity, author, reason, food_at, starts_ms, ends_ms,"
    " created_ms, ended_ms, ended_by"
)


def _silence(row: tuple[object, ...]) -> Silence:
    values = list(row)
    values[5] = Severity(str(row[5]))
    return Silence(*values)  # type: ignore[arg-type]  # column order is the field order


def in_force(connection: sqlite3.Connection, *, now_ms: int) -> list[Silence]:
    """Return those that hold now or will; not what was begun by a clock that was ahead."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM silence WHERE ends_ms > ? AND ended_ms IS NULL"  # noqa: S608
        " AND created_ms <= ? ORDER BY id",
        (now_ms, now_ms + MINUTE_MS),
    )
    return [_silence(tuple(row)) for row in rows]


def listing(connection: sqlite3.Connection, *, limit: int = 200) -> list[Silence]:
    """Return all, the newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM silence ORDER BY id DESC LIMIT ?",  # noqa: S608
        (limit,),
    )
    return [_silence(tuple(row)) for row in rows]


def add(
    connection: sqlite3.Connection,
    *,
    kind: str,
    severity: Severity,
    author: str,
    reason: str,
    ends_ms: int,
    now_ms: int,
    starts_ms: int = 0,
    device: int = 0,
    building: str = "",
    rule: str = "",
    food_at: str = "",
) -> Silence:
    """Begin a silence or a maintenance window. Raises SilenceRefusedError."""
    starts_ms = max(starts_ms, now_ms)
    _check(kind, severity, reason.strip(), ends_ms - starts_ms)
    if not food_at.strip() and _cold(connection, device=device, building=building, rule=rule):
        raise SilenceRefusedError(
            "Cold storage is only silenced when it says where the food is: fill in food_at."
        )
    cursor = connection.execute(
        "INSERT INTO silence (kind, device, building, rule, severity, author, reason, food_at,"
        " starts_ms, ends_ms, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (kind, device, building, rule, severity.value, author, reason.strip(), food_at.strip(),
         starts_ms, ends_ms, now_ms),
    )  # fmt: skip
    number = cursor.lastrowid or 0
    audit.append(
        connection, at_ms=now_ms, actor=author, action=f"{kind}.begun", subject=str(number),
        detail={"device": device, "building": building, "rule": rule, "severity": severity.value,
                "reason": reason.strip(), "food_at": food_at.strip(), "starts_ms": starts_ms,
                "ends_ms": ends_ms},
    )  # fmt: skip
    return _find(connection, number)


def end(connection: sqlite3.Connection, number: int, *, actor: str, now_ms: int) -> Silence:
    """End one before its time. Raises KeyError."""
    found = _find(connection, number)
    if found.ended_ms is None and found.ends_ms > now_ms:
        connection.execute(
            "UPDATE silence SET ended_ms = ?, ended_by = ? WHERE id = ?", (now_ms, actor, number)
        )
        audit.append(
            connection, at_ms=now_ms, actor=actor, action=f"{found.kind}.ended",
            subject=str(number),
        )  # fmt: skip
    return _find(connection, number)


def _find(connection: sqlite3.Connection, number: int) -> Silence:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM silence WHERE id = ?",  # noqa: S608
        (number,),
    ).fetchone()
    if row is None:
        raise KeyError(number)
    return _silence(tuple(row))


def _check(kind: str, severity: Severity, reason: str, length_ms: int) -> None:
    if not reason:
        raise SilenceRefusedError("It needs a reason.")
    longest = MAINTENANCE_MS if kind == MAINTENANCE else LONGEST_MS[severity]
    if not 0 < length_ms <= longest:
        raise SilenceRefusedError(
            f"It must end after it begins, and within {longest // HOUR_MS} hours of that."
        )


def _cold(connection: sqlite3.Connection, *, device: int, building: str, rule: str) -> bool:
    """Return whether it would silence a unit that holds food."""
    if rule and not rule.startswith(("cold", "freezer", "food", "device_silent", "units")):
        return False
    row = connection.execute(
        "SELECT 1 FROM device WHERE role IN ('fridge', 'freezer', 'sample_fridge')"
        " AND status = 'adopted' AND (? = 0 OR id = ?) AND (? = '' OR building = ?) LIMIT 1",
        (device, device, building, building),
    ).fetchone()
    return row is not None
