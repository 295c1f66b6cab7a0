"""Writes what each unit did into `cold_sample`, in the transaction of its readings."""

import sqlite3
from collections.abc import Sequence

from alerting.port import Verdict
from storage.cold_samples import ColdSample, write

RULE = "cold_unit"
"""The rule whose verdicts are the samples."""


def keep(connection: sqlite3.Connection, device: int, verdicts: Sequence[Verdict]) -> None:
    """Keep a unit's samples; one of a slot that was judged again is replaced."""
    samples = []
    for verdict in verdicts:
        found = verdict.evidence

        def number(name: str) -> float | None:
            value = found.get(name)  # noqa: B023  (called at once)
            return float(value) if isinstance(value, int | float) else None

        door = number("door_open")
        samples.append(
            ColdSample(
                device=device,
                at_ms=verdict.at_ms,
                air_c=number("air_c"),
                food_c=number("food_c"),
                limit_hi_c=number("limit_hi_c"),
                limit_lo_c=number("limit_lo_c"),
                exposure_min=number("exposure_min") or 0.0,
                decision_min=number("decision_min"),
                defrost=int(number("defrost") or 0),
                door_open=None if door is None else int(door),
                duty=number("duty"),
            )
        )
    if samples:
        write(connection, samples)
