"""How the journal file is opened, and brought from an older version to this one."""

import contextlib
import sqlite3
from pathlib import Path

from caretaker.errors import ConfigurationError
from storage.schema import MIGRATIONS


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the journal for its one writer: WAL, synchronous=FULL, newest schema.

    Raises ConfigurationError when a newer Caretaker wrote the file, or it is no journal at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(
            file=str(path),
            key="(file)",
            problem=f"cannot be used as a journal ({error})",
            remedy="Move it away and restore the newest backup: caretaker restore",
        ) from error
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -32768")
    connection.execute("PRAGMA foreign_keys = OFF")
    migrate(connection, name=str(path))
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the journal read-only, beside the writer."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA query_only = 1")
    connection.row_factory = sqlite3.Row
    return connection


def statements(script: str) -> list[str]:
    """Return a script's statements; a trigger's own semicolons do not end it.

    >>> statements("CREATE TABLE a (b); CREATE TRIGGER t INSERT ON a BEGIN SELECT 1; END;")[0]
    'CREATE TABLE a (b);'
    """
    found: list[str] = []
    held = ""
    for part in script.split(";"):
        held += part + ";"
        if sqlite3.complete_statement(held):
            found.append(held.strip())
            held = ""
    return [statement for statement in found if statement != ";"]


def migrate(connection: sqlite3.Connection, *, name: str) -> int:
    """Bring the file to the newest schema, one transaction a step, and return its version."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise ConfigurationError(
            file=name,
            key="user_version",
            problem=f"was written by a newer Caretaker (version {version}, this one knows "
            f"{len(MIGRATIONS)})",
            remedy="Install that Caretaker again, or restore a backup made by this one.",
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return len(MIGRATIONS)


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction as if it had never begun, if one is open and the file still answers."""
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
