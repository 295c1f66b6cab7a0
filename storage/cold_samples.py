"""What each unit of cold storage did, a row about every five minutes, for the boards."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields

STEP_MS = 300_000


@dataclass(frozen=True, slots=True)
class ColdSample:
    """A unit at the end of a step [degC, min]; `duty` is the compressor's share of time [1]."""

    device: int
    at_ms: int
    air_c: float | None
    food_c: float | None
    limit_hi_c: float | None
    limit_lo_c: float | None
    exposure_min: float
    decision_min: float | None
    defrost: int
    door_open: int | None
    duty: float | None
    revision: int = 0


_COLUMNS = tuple(field.name for field in fields(ColdSample) if field.name != "revision")


def write(connection: sqlite3.Connection, samples: Sequence[ColdSample]) -> None:
    """Keep samples; one that is there already is replaced. Each gets the next revision."""
    row = connection.execute("SELECT max(revision) FROM cold_sample").fetchone()
    revision = int(row[0] or 0)
    connection.executemany(
        "INSERT OR REPLACE INTO cold_sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (*(getattr(sample, name) for name in _COLUMNS), revision + number)
            for number, sample in enumerate(samples, start=1)
        ],
    )


def load(
    connection: sqlite3.Connection, device: int, *, start_ms: int, end_ms: int
) -> list[ColdSample]:
    """Return a unit's samples in [start_ms, end_ms) in time order."""
    rows = connection.execute(
        "SELECT * FROM cold_sample WHERE device = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms",
        (device, start_ms, end_ms),
    )
    return [ColdSample(*row) for row in rows]


def after(connection: sqlite3.Connection, revision: int, *, limit: int = 1000) -> list[ColdSample]:
    """Return the samples written or changed after a revision, in that order."""
    rows = connection.execute(
        "SELECT * FROM cold_sample WHERE revision > ? ORDER BY revision LIMIT ?", (revision, limit)
    )
    return [ColdSample(*row) for row in rows]
