"""A pool of read-only connections beside the one writer."""

import contextlib
import sqlite3
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from storage.connection import open_reader


class Readers:
    """Lends connections that see the file as it stood when they were lent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()

    @contextlib.contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """Lend one; what it sees stands still while it is lent."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = open_reader(self._path)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            # A reader that stays open pins the WAL; the transaction ends with the loan.
            if connection.in_transaction:
                connection.execute("COMMIT")
            self._idle.append(connection)

    def close(self) -> None:
        """Close those that are not lent."""
        while self._idle:
            self._idle.pop().close()
