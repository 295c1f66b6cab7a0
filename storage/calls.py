"""What people were told of an incident so far; kept with it, so that a restart repeats nothing."""

import json
import sqlite3


def told(connection: sqlite3.Connection, incident: int) -> str:
    """Return what people were told of it so far, as its caller keeps it (JSON)."""
    row = connection.execute("SELECT told FROM incident WHERE id = ?", (incident,)).fetchone()
    return str(row[0])


def tell(connection: sqlite3.Connection, incident: int, text: str) -> None:
    """Keep what people were told of it."""
    connection.execute("UPDATE incident SET told = ? WHERE id = ?", (text, incident))


def finish(connection: sqlite3.Connection, incident: int) -> None:
    """Nothing remains to be said of a resolved incident."""
    connection.execute(
        "UPDATE incident SET done = 1 WHERE id = ? AND state = 'resolved'", (incident,)
    )


def raised_by(connection: sqlite3.Connection, incident: int) -> str:
    """Return what raised it last: opened, escalated, relapsed or reraised."""
    row = connection.execute(
        "SELECT kind FROM incident_event WHERE incident = ?"
        " AND kind IN ('opened', 'escalated', 'relapsed', 'reraised') ORDER BY id DESC LIMIT 1",
        (incident,),
    ).fetchone()
    return str(row[0]) if row else ""


def held(connection: sqlite3.Connection, incident: int) -> bool:
    """Return whether the last decision about it was to wait (a silence, quiet hours, a cause)."""
    row = connection.execute(
        "SELECT outcome FROM decision WHERE incident = ? ORDER BY id DESC LIMIT 1", (incident,)
    ).fetchone()
    return row is not None and row[0] == "hold"


def pull_back(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> None:
    """The clock was set back: what an incident bears from the future happened now.

    Otherwise nobody would be called further until the clock is there again.
    """
    before = connection.execute(
        "SELECT raised_ms, told FROM incident WHERE id = ?", (incident,)
    ).fetchone()
    said = json.loads(before[1])
    if said.get("raised") == before[0] > now_ms:
        said["raised"] = now_ms
        tell(connection, incident, json.dumps(said))
    connection.execute(
        "UPDATE incident SET raised_ms = min(raised_ms, ?1), recovered_ms = min(recovered_ms, ?1),"
        " acknowledged_ms = min(acknowledged_ms, ?1) WHERE id = ?2",
        (now_ms, incident),
    )


def begin_calling(connection: sqlite3.Connection, incident: int, *, now_ms: int) -> None:
    """The clock of the escalation starts now: before, nobody could be told."""
    connection.execute(
        "UPDATE incident SET raised_ms = max(?, raised_ms + 1) WHERE id = ?"
        " AND state IN ('pending', 'firing')",
        (now_ms, incident),
    )
