"""Begins a corrective-action record for each A3 and A4, so that none is forgotten."""

import json
import sqlite3

from storage import haccp

RULES = ("cold_storage_warm", "food_hold", "hot_holding_low", "cold_power_cut")
_CAUSES = {"cold_power_cut": "power_cut"}


def keep(connection: sqlite3.Connection, *, now_ms: int) -> int:
    """Begin the records that critical incidents of food still lack; return how many."""
    marks = ", ".join("?" * len(RULES))
    rows = connection.execute(
        "SELECT id, device, rule, since_ms, evidence FROM incident i"  # noqa: S608  (marks only)
        f" WHERE rule IN ({marks}) AND severity = 'critical'"
        " AND closed_ms IS NULL AND kind = '' AND NOT EXISTS"
        " (SELECT 1 FROM corrective_action a WHERE a.incident = i.id)",
        RULES,
    ).fetchall()
    for incident, device, rule, since_ms, evidence in rows:
        found = json.loads(evidence)
        content: dict[str, object] = {}
        for name, key in (
            ("max_air_c", "peak_c"),
            ("max_food_c", "food_c"),
            ("cumulative_min", "exposure_min"),
        ):
            if isinstance(found.get(key), int | float):
                content[name] = found[key]
        if rule in _CAUSES:
            content["cause"] = _CAUSES[rule]
        haccp.create(
            connection,
            device=device,
            source="auto",
            start_ms=since_ms,
            now_ms=now_ms,
            actor="caretaker",
            incident=incident,
            content=content,
        )
    return len(rows)
