"""Lets a judge see a batch inside its transaction: a sick rule must not cost a reading."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from caretaker.vocabulary import Reading
from storage.port import Judge


@dataclass(slots=True)
class Judging:
    """Judges in savepoints. `error` says why the last batch was not judged whole, '' if it was."""

    judge: Judge
    error: str = ""
    failures: int = 0

    def batch(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        """Judge a batch; what cannot be judged now is noted and judged later, the rest now."""
        self.error = self._whole(connection, readings, now_ms=now_ms)
        if not self.error or not readings:
            return
        if self._whole(connection, (), now_ms=now_ms):
            self.judge.postpone(connection, readings, now_ms=now_ms)  # it is not the readings
        else:
            self._apart(connection, readings, now_ms=now_ms)

    def _apart(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> None:
        """Find by halves which readings it is."""
        if not self._whole(connection, readings, now_ms=now_ms):
            return
        if len(readings) == 1:
            self.judge.postpone(connection, readings, now_ms=now_ms)
            return
        middle = len(readings) // 2
        self._apart(connection, readings[:middle], now_ms=now_ms)
        self._apart(connection, readings[middle:], now_ms=now_ms)

    def _whole(
        self, connection: sqlite3.Connection, readings: Sequence[Reading], *, now_ms: int
    ) -> str:
        """Judge all of them or none; return what went wrong."""
        connection.execute("SAVEPOINT judging")
        problem = ""
        try:
            self.judge.judge(connection, readings, now_ms=now_ms)
        except Exception as error:
            connection.execute("ROLLBACK TO judging")
            self.judge.load(connection)
            problem = f"{type(error).__name__}: {error}"
            self.failures += 1
        connection.execute("RELEASE judging")
        return problem
