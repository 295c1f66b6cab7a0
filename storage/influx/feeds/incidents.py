"""Incidents, written again as they change, and each event of their histories."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from caretaker.measurements import (
    INCIDENT,
    INCIDENT_EVENT,
    SEVERITY_CODES,
    STATE_CODES,
    time_ns,
)
from storage.influx import progress
from storage.influx.feeds.revisions import columns_of
from storage.influx.lines import BadNameError, Row, fields, series
from storage.influx.names import Names
from storage.influx.port import Moment

_OLD_STATES = {"recovered": "recovering", "closed": "resolved"}
_CASE = (
    "id, rule, device, severity, state, since_ms, opened_ms, acknowledged_ms, recovered_ms,"
    " closed_ms"
)


class Incidents:
    """Feeds incidents behind a cursor over their events: every change of one writes an event."""

    name = "incidents"
    shape = ""
    measurements: tuple[str, ...] = (INCIDENT.name, INCIDENT_EVENT.name)

    def __init__(self) -> None:
        self._position = 0
        self._taken: int | None = None
        self._moved = False
        self._kinds = ""

    def start(self, connection: sqlite3.Connection) -> None:
        """Take up where the journal says."""
        self._position, _ = progress.cursor(connection, self.name)
        self._taken, self._moved = None, False
        # A canary's and a drill's incidents prove the way; they are none of the school's.
        there = columns_of(connection, "incident")
        self._kinds = " AND i.kind IN ('', 'site')" if "kind" in there else ""

    def restart(self, connection: sqlite3.Connection) -> None:
        """Send every incident again."""
        progress.set_cursor(connection, self.name, 0)
        self.start(connection)

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Send every incident again; there are few."""
        self.restart(connection)

    def take(
        self, connection: sqlite3.Connection, names: Names, *, moment: Moment, limit: int
    ) -> list[Row]:
        """Return the events after the cursor, and the incidents they changed."""
        while True:
            newest = connection.execute(
                "SELECT max(id) FROM (SELECT id FROM incident_event WHERE id > ?"
                " ORDER BY id LIMIT ?)",
                (self._position, limit // 2),
            ).fetchone()[0]
            if newest is None:
                return []
            self._taken = newest
            rows = self._rows(connection, names, moment, newest)
            if rows:
                return rows
            self.settle()

    def _rows(
        self, connection: sqlite3.Connection, names: Names, moment: Moment, newest: int
    ) -> list[Row]:
        events = connection.execute(
            f"SELECT e.id, e.at_ms, e.kind, i.{_CASE.replace(', ', ', i.')}"  # noqa: S608
            " FROM incident_event e JOIN incident i ON i.id = e.incident"
            f" WHERE e.id > ? AND e.id <= ?{self._kinds} ORDER BY e.id",
            (self._position, newest),
        ).fetchall()
        columns = [name.strip() for name in _CASE.split(",")]
        rows: list[Row] = []
        cases: dict[int, dict[str, Any]] = {}
        for number, at_ms, kind, *values in events:
            case = dict(zip(columns, values, strict=True))
            cases[case["id"]] = case
            if at_ms >= moment.horizon_ms:
                rows.append(_event_row(names, case, number=number, at_ms=at_ms, kind=kind))
        return rows + [
            _case_row(names, case)
            for case in cases.values()
            if case["since_ms"] >= moment.horizon_ms
        ]

    def settle(self) -> None:
        """Move the cursor behind what was taken."""
        if self._taken is not None:
            self._position, self._taken, self._moved = self._taken, None, True

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Write the cursor."""
        if not self._moved:
            return False
        progress.set_cursor(connection, self.name, self._position)
        self._moved = False
        return True


def _event_row(names: Names, case: dict[str, Any], *, number: int, at_ms: int, kind: str) -> Row:
    tags = names.device(case["device"]) | {
        "rule": case["rule"],
        "severity": case["severity"],
        "event": kind,
    }
    try:
        head = series(INCIDENT_EVENT.name, tags)
    except BadNameError as error:
        return Row("", at_ms, refused=f"bad-name: {error}")
    return Row(f"{head} {fields({'id': case['id']})} {time_ns(at_ms, number)}", at_ms)


def _case_row(names: Names, case: dict[str, Any]) -> Row:
    since_ms, opened_ms = case["since_ms"], case["opened_ms"]
    try:
        head = series(INCIDENT.name, names.device(case["device"]) | {"rule": case["rule"]})
    except BadNameError as error:
        return Row("", since_ms, refused=f"bad-name: {error}")
    state = _OLD_STATES.get(case["state"], case["state"])
    values = {
        "id": case["id"],
        "state_code": STATE_CODES.get(str(state)),
        "severity_code": SEVERITY_CODES.get(case["severity"]),
        "open": float(state != "resolved"),
        "opened_ms": opened_ms,
        "acknowledge_s": _seconds(opened_ms, case["acknowledged_ms"]),
        "recover_s": _seconds(opened_ms, case["recovered_ms"]),
        "closed_ms": case["closed_ms"],
    }
    return Row(f"{head} {fields(values)} {time_ns(since_ms, case['id'])}", since_ms)


def _seconds(start_ms: int, end_ms: int | None) -> float | None:
    """Return the time between two instants [s]; None while the second is to come.

    >>> _seconds(1_000, 31_000), _seconds(1_000, None)
    (30.0, None)
    """
    return None if end_ms is None else (end_ms - start_ms) / 1_000
