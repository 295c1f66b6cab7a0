"""Copies of the journal: taken while it runs, verified before they are trusted.

A backup is one SQLite file and, beside it, `<file>.json` with its SHA-256 and what it holds.
"""

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from caretaker.errors import CaretakerError
from storage import audit
from storage.schema import MIGRATIONS

_COUNTED = ("device", "point", "reading", "incident", "quarantine", "audit")


class BackupError(CaretakerError):
    """A backup could not be taken or must not be trusted; the message says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a backup holds: SHA-256, schema version, rows by table, newest reading [ms UTC]."""

    sha256: str
    schema: int
    rows: dict[str, int]
    newest_ms: int


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _look(file: Path) -> Report:
    """Check a copy through and through."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if sound != "ok":
                raise BackupError(f"{file}: damaged: {sound}")
            if connection.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupError(f"{file}: rows point to rows that are not there")
            if row := audit.verify(connection):
                raise BackupError(f"{file}: the audit log was changed at row {row}")
            rows = {
                name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608
                for name in _COUNTED
            }
            newest = connection.execute("SELECT max(at_ms) FROM latest").fetchone()[0]
            schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.DatabaseError as error:
            raise BackupError(f"{file}: is no sound journal ({error})") from error
    if schema > len(MIGRATIONS):
        raise BackupError(f"{file}: was made by a newer Caretaker (schema {schema})")
    return Report(_digest(file), schema, rows, int(newest or 0))


def backup(source: Path, target: Path) -> Report:
    """Copy the journal as it stands, while others write; it is there whole or not at all."""
    if target.exists():
        raise BackupError(f"{target} exists: choose another name, backups are not overwritten")
    scratch = target.with_name(target.name + ".part")
    scratch.unlink(missing_ok=True)
    # One read transaction sees one instant; the writer goes on beside it (WAL).
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(scratch)) as copy,
    ):
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM device").fetchone()
        live.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")
    report = _look(scratch)
    handle = os.open(scratch, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    scratch.replace(target)
    _manifest(target).write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    return report


def _manifest(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def verify(file: Path) -> Report:
    """Return what a backup holds; raises BackupError when one bit of it is not as it was."""
    if not file.exists():
        raise BackupError(f"{file}: no such file")
    try:
        expected = json.loads(_manifest(file).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(f"{_manifest(file)}: the backup's description is missing") from error
    if _digest(file) != expected:
        raise BackupError(f"{file}: is not as it was written (SHA-256 differs)")
    return _look(file)


def restore(file: Path, journal: Path) -> Report:
    """Put a verified backup in place as the journal; one that is there is never overwritten."""
    if journal.exists():
        raise BackupError(f"{journal} exists: restore into an empty data directory")
    report = verify(file)
    journal.parent.mkdir(parents=True, exist_ok=True)
    scratch = journal.with_name(journal.name + ".part")
    scratch.write_bytes(file.read_bytes())
    if _digest(scratch) != report.sha256:
        raise BackupError(f"{scratch}: the copy differs from the backup; is the disk sound?")
    scratch.replace(journal)
    return report
