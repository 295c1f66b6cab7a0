"""What was worked out lately, kept within bounds: names made up by the thousand push none out."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_MOST_KEYS = 96
_MOST_CHARACTERS = 3_072


class Recent(Generic[K, V]):
    """Keeps at most twice `most` values; what is asked for often enough stays.

    >>> squares = Recent[int, int](2)
    >>> for n in (1, 2, 1, 3, 1, 4):
    ...     squares.get(n) or squares.keep(n, n * n)
    1
    4
    1
    9
    1
    16
    >>> squares.get(1), squares.get(2)
    (1, None)
    """

    __slots__ = ("_before", "_most", "_now")

    def __init__(self, most: int) -> None:
        self._most = most
        self._now: dict[K, V] = {}
        self._before: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._now) + len(self._before)

    def get(self, key: K) -> V | None:
        """Return what is kept under a key, or None."""
        found = self._now.get(key)
        if found is None:
            found = self._before.get(key)
            if found is not None:
                self.keep(key, found)
        return found

    def keep(self, key: K, value: V) -> V:
        """Keep a value, which is never None, and return it."""
        if len(self._now) >= self._most:
            self._now, self._before = {}, self._now
        self._now[key] = value
        return value


def brief(keys: tuple[str, ...]) -> bool:
    """Return whether the keys of an object are few and short enough to be remembered."""
    return len(keys) <= _MOST_KEYS and sum(map(len, keys)) <= _MOST_CHARACTERS
