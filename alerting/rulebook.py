"""The rule file in force: looked at again while running, the last good one kept in the journal."""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from alerting import rulefile
from alerting.parameters import Setting
from alerting.port import Rule
from alerting.roster import Roster
from caretaker.errors import ConfigurationError
from storage import audit

_MOST_BYTES = 1_000_000


class RuleBook:
    """Which settings are in force. A bad file is refused whole; what was good stays active.

    `problem` says what is wrong with the file as it stands, with line and remedy; empty: nothing.
    """

    def __init__(self, rules: Sequence[Rule], path: Path | None = None) -> None:
        self.problem = ""
        self.settings: tuple[Setting, ...] = ()
        self.since_ms = 0
        self._rules = tuple(rules)
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._pending: tuple[int, int] | None = None
        self._text = ""
        self._unmatched = ""
        self._first = True

    def load(self, connection: sqlite3.Connection) -> None:
        """Take the last good file from the journal."""
        row = connection.execute(
            "SELECT content, at_ms FROM rule_set ORDER BY id DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return
        self._text, self.since_ms = row[0], row[1]
        try:
            self.settings = self._parse(self._text)
        except ConfigurationError as error:  # this Caretaker knows other rules than the one before
            self.settings, self.problem = (), str(error)

    def _parse(self, text: str) -> tuple[Setting, ...]:
        return tuple(rulefile.parse(text, rules=self._rules)) if text else ()

    def look(self, connection: sqlite3.Connection, roster: Roster, *, now_ms: int) -> bool:
        """Look at the file again; return whether other settings are in force now."""
        if self._path is None:
            return False
        stamp = self._stamp()
        retry = bool(self._unmatched)  # a device it names may have been adopted meanwhile
        if stamp == self._seen and not retry:
            return False
        # While running, a file that is still being written is left alone until it rests.
        if not self._first and not retry and stamp != self._pending:
            self._pending = stamp
            return False
        self._first = False
        self._seen = self._pending = stamp
        try:
            return self._take(connection, roster, now_ms=now_ms)
        except ConfigurationError as error:
            self._refuse(connection, error, now_ms=now_ms)
            return False

    def _stamp(self) -> tuple[int, int]:
        assert self._path is not None
        try:
            found = self._path.stat()
        except OSError:
            return (0, -1)
        return (found.st_mtime_ns, found.st_size)

    def _read(self) -> str | None:
        assert self._path is not None
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._bad(
                f"cannot be read ({error.strerror})", "Check who may read it."
            ) from error
        if len(raw) > _MOST_BYTES:
            raise self._bad("is larger than a rule file can be", "Put the right file there.")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._bad("is no UTF-8 text", "Save it as UTF-8.") from error

    def _bad(self, problem: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(file=rulefile.FILE, key="line 1", problem=problem, remedy=remedy)

    def _take(self, connection: sqlite3.Connection, roster: Roster, *, now_ms: int) -> bool:
        text = self._read()
        settings = () if text is None else tuple(rulefile.parse(text, rules=self._rules))
        self._unmatched = ""
        if settings:
            subjects = {
                rule.name: [s.device for s in rule.subjects(roster.subjects)]
                for rule in self._rules
            }
            try:
                rulefile.check_devices(settings, subjects)
            except ConfigurationError as error:
                self._unmatched = str(error)
                raise
        self.problem = ""
        kept = text or ""
        if kept == self._text:
            return False
        self._text, self.settings, self.since_ms = kept, settings, now_ms
        digest = hashlib.sha256(kept.encode()).hexdigest()
        connection.execute(
            "INSERT INTO rule_set (at_ms, digest, content) VALUES (?, ?, ?)", (now_ms, digest, kept)
        )
        audit.append(
            connection,
            at_ms=now_ms,
            actor="caretaker",
            action="rules.taken",
            subject=rulefile.FILE,
            detail={"sha256": digest, "blocks": len(settings)},
        )
        return True

    def _refuse(
        self, connection: sqlite3.Connection, error: ConfigurationError, *, now_ms: int
    ) -> None:
        if str(error) == self.problem:
            return
        self.problem = str(error)
        audit.append(
            connection,
            at_ms=now_ms,
            actor="caretaker",
            action="rules.refused",
            subject=rulefile.FILE,
            detail={"problem": self.problem},
        )
