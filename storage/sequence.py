"""Which message numbers of a device are stored, and which are missing."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

_MAX_RANGES = 200


@dataclass(slots=True)
class Sequence:
    """Message numbers seen within one boot: all up to `contiguous`, then `missing` ranges.

    >>> seen = Sequence(contiguous=3, highest=3)
    >>> seen.note(6); seen.missing
    [(4, 5)]
    >>> seen.note(4); (seen.contiguous, seen.missing)
    (4, [(5, 5)])
    >>> seen.note(5); (seen.contiguous, seen.missing)
    (6, [])
    """

    contiguous: int
    highest: int
    missing: list[tuple[int, int]] = field(default_factory=list)

    def note(self, number: int) -> None:
        """Take one number as stored."""
        if number > self.highest:
            if number > self.highest + 1:
                self.missing.append((self.highest + 1, number - 1))
                del self.missing[:-_MAX_RANGES]
            self.highest = number
        elif number > self.contiguous:
            self._fill(number)
        self.contiguous = self.missing[0][0] - 1 if self.missing else self.highest

    def _fill(self, number: int) -> None:
        for index, (low, high) in enumerate(self.missing):
            if low <= number <= high:
                parts = [(low, number - 1), (number + 1, high)]
                self.missing[index : index + 1] = [p for p in parts if p[0] <= p[1]]
                return


class SequenceBook:
    """The sequences of all devices, kept in memory and saved with each commit."""

    def __init__(self) -> None:
        self._book: dict[tuple[int, str], Sequence] = {}
        self._changed: set[tuple[int, str]] = set()

    def load(self, connection: sqlite3.Connection) -> None:
        """Take everything from the file."""
        self._changed.clear()
        self._book = {
            (device, boot): Sequence(contiguous, highest, [(a, b) for a, b in json.loads(missing)])
            for device, boot, contiguous, highest, missing in connection.execute(
                "SELECT device, boot, contiguous, highest, missing FROM sequence"
            )
        }

    def note(self, device: int, boot: str, numbers: Iterable[int]) -> None:
        """Take message numbers as stored; the first one heard of a boot starts its count."""
        key = (device, boot)
        for number in numbers:
            seen = self._book.get(key)
            if seen is None:
                self._book[key] = Sequence(number, number)
            else:
                seen.note(number)
        self._changed.add(key)

    def contiguous(self, device: int, boot: str) -> int:
        """Return the highest number up to which nothing is missing."""
        return self._book[device, boot].contiguous

    def save(self, connection: sqlite3.Connection) -> None:
        """Write what changed, in the caller's transaction."""
        if self._changed:
            connection.executemany(
                "INSERT OR REPLACE INTO sequence VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        *key,
                        self._book[key].contiguous,
                        self._book[key].highest,
                        json.dumps(self._book[key].missing),
                    )
                    for key in self._changed
                ],
            )
            self._changed.clear()
