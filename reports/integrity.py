"""What shows later that a pack was not changed: one hash over its data, kept in the audit chain."""

import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass

from reports.pack import Pack, readings
from storage import audit


@dataclass(frozen=True, slots=True)
class Seal:
    """The hash of a pack's data and where the audit chain stood when it was made."""

    digest: str
    audit_id: int
    audit_hash: str
    audit_broken_at: int


def seal(connection: sqlite3.Connection, pack: Pack) -> Seal:
    """Return the seal of a pack: the same data give the same digest, whenever it is made again.

    SHA-256 (FIPS 180-4) over units, every reading, records and incidents in canonical JSON. What
    may still change without changing the past (an open incident's clocks) is part of it: a pack of
    a past period is stable once its incidents are closed.
    """
    digest = hashlib.sha256()
    for unit in pack.units:
        head = {
            "device": unit.device.key,
            "parameters": [[name, number.value] for name, number in unit.parameters],
            "incidents": [asdict(item) for item in unit.incidents],
            "actions": [asdict(item) for item in unit.actions],
            "entries": [asdict(item) for item in unit.entries],
        }
        digest.update(_line(head))
        for row in readings(connection, unit, start_ms=pack.start_ms, end_ms=pack.end_ms):
            digest.update(_line(row))
    number, chained = audit.head(connection)
    return Seal(digest.hexdigest(), number, chained.hex(), audit.verify(connection))


def record(
    connection: sqlite3.Connection, pack: Pack, sealed: Seal, *, actor: str, now_ms: int
) -> None:
    """Write into the audit chain that a pack was made, with its digest."""
    audit.append(
        connection,
        at_ms=now_ms,
        actor=actor,
        action="report.inspector",
        subject=f"{pack.first_day}/{pack.last_day}",
        detail={"sha256": sealed.digest, "units": [unit.device.key for unit in pack.units]},
    )


def _line(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return text.encode() + b"\n"
