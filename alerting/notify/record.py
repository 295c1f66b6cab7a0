"""Keeps what the stages decided, so that "why was I (not) told" has an answer."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict

from alerting.notify.port import PASS, Matter, Ruling


def record(connection: sqlite3.Connection, matter: Matter, rulings: Sequence[Ruling]) -> None:
    """Write the decision with each stage's word; the last ruling is the one that decided."""
    last = rulings[-1]
    if last.outcome == PASS:  # what was new is why it was told
        last = next(ruling for ruling in rulings if ruling.stage == "dedupe")
    connection.execute(
        "INSERT INTO decision (incident, at_ms, occasion, stage, outcome, reason, rulings)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            matter.incident.id,
            matter.now_ms,
            matter.occasion,
            last.stage,
            last.outcome,
            last.reason,
            json.dumps([asdict(ruling) for ruling in rulings], ensure_ascii=False),
        ),
    )
