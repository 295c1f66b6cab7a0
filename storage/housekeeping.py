"""What Caretaker writes and forgets about itself."""

import sqlite3

from storage import audit


def forget_canary(connection: sqlite3.Connection, *, before_ms: int) -> None:
    """Forget the canary's readings and incidents from before: they prove nothing any more."""
    points = (
        "SELECT p.id FROM point AS p JOIN device AS d ON d.id = p.device"
        " WHERE d.status = 'internal' AND d.key GLOB '*/caretaker-canary'"
    )
    for table, column in (("reading", "at_ms"), ("rollup", "end_ms")):
        connection.execute(
            f"DELETE FROM {table} WHERE point IN ({points}) AND {column} < ?",  # noqa: S608
            (before_ms,),
        )
    old = "SELECT id FROM incident WHERE kind = 'canary' AND done = 1 AND opened_ms < ?"
    for table in ("incident_event", "outbox", "decision"):
        connection.execute(f"DELETE FROM {table} WHERE incident IN ({old})", (before_ms,))  # noqa: S608
    connection.execute(
        "DELETE FROM incident WHERE kind = 'canary' AND done = 1 AND opened_ms < ?", (before_ms,)
    )


def note_step(connection: sqlite3.Connection, *, step_s: float, at_ms: int) -> None:
    """Write a step of the machine's clock into the audit log."""
    audit.append(
        connection, at_ms=at_ms, actor="caretaker", action="clock.stepped", subject="machine",
        detail={"by_s": round(step_s, 1)},
    )  # fmt: skip
