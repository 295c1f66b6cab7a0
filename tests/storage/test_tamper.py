"""F31: whoever edits, deletes, reorders, adds or cuts rows of the audit log is found."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import audit
from storage.connection import open_writer

ROWS = 40


@pytest.fixture
def log(tmp_path: Path) -> sqlite3.Connection:
    connection = open_writer(tmp_path / "j.sqlite3")
    connection.execute("BEGIN")
    for number in range(ROWS):
        audit.append(connection, at_ms=number, actor="admin", action="test", subject=f"{number}")
    connection.execute("COMMIT")
    return connection


def test_the_application_itself_cannot_change_a_row(log: sqlite3.Connection) -> None:
    for statement in ("UPDATE audit SET actor = 'x' WHERE id = 3", "DELETE FROM audit"):
        with pytest.raises(sqlite3.DatabaseError, match="append-only"):
            log.execute(statement)
    assert audit.verify(log) == 0


def _swap(connection: sqlite3.Connection, at: int) -> None:
    connection.execute("UPDATE audit SET id = 9999 WHERE id = ?", (at,))
    connection.execute("UPDATE audit SET id = ? WHERE id = ?", (at, at + 1))
    connection.execute("UPDATE audit SET id = ? WHERE id = 9999", (at + 1,))


EDITS: dict[str, Callable[[sqlite3.Connection, int], object]] = {
    "actor": lambda c, at: c.execute("UPDATE audit SET actor = 'eve' WHERE id = ?", (at,)),
    "time": lambda c, at: c.execute("UPDATE audit SET at_ms = 1 + at_ms WHERE id = ?", (at,)),
    "detail": lambda c, at: c.execute("UPDATE audit SET detail = '{\"a\": 1}' WHERE id = ?", (at,)),
    "hash": lambda c, at: c.execute("UPDATE audit SET hash = zeroblob(32) WHERE id = ?", (at,)),
    "delete": lambda c, at: c.execute("DELETE FROM audit WHERE id = ?", (at,)),
    "swap": _swap,
}


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_of_every_row_is_found(log: sqlite3.Connection, name: str) -> None:
    for trigger in ("audit_no_update", "audit_no_delete"):
        log.execute(f"DROP TRIGGER {trigger}")  # who owns the file can do that
    for at in range(1, ROWS - 1):
        log.execute("BEGIN")
        EDITS[name](log, at)
        assert audit.verify(log) > 0, (name, at)
        log.execute("ROLLBACK")
    assert audit.verify(log) == 0


def test_a_cut_tail_is_found_by_the_head_noted_elsewhere(log: sqlite3.Connection) -> None:
    number, digest = audit.head(log)
    log.execute("DROP TRIGGER audit_no_delete")
    log.execute("DELETE FROM audit WHERE id > 30")
    assert audit.verify(log) == 0, "the chain alone cannot show it"
    assert not audit.has(log, number, digest)
    audit.append(log, at_ms=1, actor="eve", action="test", subject="new tail")
    assert not audit.has(log, number, digest)
