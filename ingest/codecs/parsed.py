"""What the memory holds, parsed once for many messages, within bounds."""

from collections.abc import Callable
from typing import Generic, TypeVar

from ingest.codecs.port import Memory

T = TypeVar("T")
_MAX_BYTES = 8 * 1024 * 1024
_MAX_KEYS = 2_000


class Parsed(Generic[T]):
    """Keeps the parsed form of memory entries until they change; what it returns is read-only.

    >>> memory = {"x": b"[1]"}
    >>> lists = Parsed(memory, lambda raw: raw.decode())
    >>> lists.get("x"), lists.get("y")
    ('[1]', None)
    """

    def __init__(self, memory: Memory, parse: Callable[[bytes], T]) -> None:
        self._memory = memory
        self._parse = parse
        self._kept: dict[str, tuple[bytes, T]] = {}
        self._bytes = 0

    def get(self, key: str) -> T | None:
        """Return the parsed entry of a key, or None."""
        raw = self._memory.get(key)
        if raw is None:
            return None
        kept = self._kept.get(key)
        if kept is not None and kept[0] is raw:
            return kept[1]
        if self._bytes + len(raw) > _MAX_BYTES or len(self._kept) >= _MAX_KEYS:
            self._kept.clear()
            self._bytes = 0
        value = self._parse(raw)
        self._kept[key] = (raw, value)
        self._bytes += len(raw)
        return value
