"""What could not be used: kept raw with its reason, counted, never dropped in silence."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from caretaker.vocabulary import Arrival, Rejected

_MAX_RAW = 64 * 1024
_HEAD = 2 * 1024
"""Kept of a longer message, beside its hash and length: cut off it can be looked at, not used."""
_TOPIC = 1_025
"""Characters kept of a topic: one more than a decoder takes, so that a cut one is refused again."""
_CUT = "bytes, only the first"
MAX_KINDS = 20_000
"""Different messages kept raw for one reason; beyond it they are counted only."""
MAX_BYTES = 64 * 1024 * 1024
"""Topics and raw bytes kept for one reason."""
OVERFLOW = "beyond what is kept: counted only"


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of refused message: how often, and its raw bytes."""

    id: int
    first_ms: int
    last_ms: int
    topic: str
    device: str
    driver: str
    payload: bytes
    reason: str
    detail: str
    count: int
    state: str

    @property
    def whole(self) -> bool:
        """Whether the payload is there as it came, so that it can be decoded again."""
        return self.detail != OVERFLOW and _CUT not in self.detail


_COLUMNS = "id, first_ms, last_ms, topic, device, driver, payload, reason, detail, count, state"


@dataclass(slots=True)
class Shelf:
    """Keeps refused messages within fixed room for each reason, so that none fills the disk.

    What finds no room is still counted, in one row a reason and known device that says so.
    """

    kinds: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    max_kinds: int = MAX_KINDS
    max_bytes: int = MAX_BYTES
    over: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By reason and device; strangers, whose names cost nothing, share one row."""
    over_ms: int = 0

    def load(self, connection: sqlite3.Connection) -> None:
        """Count what stands in the file."""
        self.kinds, self.sizes = {}, {}
        self.over.clear()
        for reason, kinds, size in connection.execute(
            "SELECT reason, count(*), sum(length(payload) + length(topic)) FROM quarantine"
            " WHERE state = 'held' GROUP BY reason"
        ):
            self.kinds[reason], self.sizes[reason] = kinds, size

    def keep(self, connection: sqlite3.Connection, arrival: Arrival, refusal: Rejected) -> None:
        """Keep a refused message in the caller's transaction; the same one again counts up."""
        reason = refusal.reason.value
        if arrival.repeats > 1 or refusal.detail is OVERFLOW:
            self.over[reason, arrival.device] += arrival.repeats
            self.over_ms = max(self.over_ms, arrival.received_ms)
            return
        if (
            self.kinds.get(reason, 0) >= self.max_kinds
            or self.sizes.get(reason, 0) >= self.max_bytes
        ):
            self.over[reason, ""] += 1
            self.over_ms = max(self.over_ms, arrival.received_ms)
            return
        if _insert(connection, arrival, refusal):
            self.kinds[reason] = self.kinds.get(reason, 0) + 1
            self.sizes[reason] = (
                self.sizes.get(reason, 0) + len(_raw(arrival)) + len(arrival.topic[:_TOPIC])
            )

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what was counted only; to be called before the commit."""
        for (reason, device), count in self.over.items():
            name = device.encode("utf-8", "surrogatepass")
            connection.execute(
                "INSERT INTO quarantine"
                " (first_ms, last_ms, topic, device, payload, digest, reason, detail, count)"
                " VALUES (?, ?, '', ?, x'', ?, ?, ?, ?) ON CONFLICT (digest, reason, detail)"
                " DO UPDATE SET count = count + excluded.count, state = 'held',"
                " last_ms = max(last_ms, excluded.last_ms)",
                (
                    self.over_ms,
                    self.over_ms,
                    device,
                    hashlib.blake2b(name, digest_size=16).digest() if name else b"",
                    reason,
                    OVERFLOW,
                    count,
                ),
            )
        self.over.clear()


def _raw(arrival: Arrival) -> bytes:
    """Return what is kept of a payload."""
    payload = arrival.payload
    return payload if len(payload) <= _MAX_RAW else payload[:_HEAD]


def _digest(arrival: Arrival) -> bytes:
    topic = arrival.topic.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(topic + b"\0" + arrival.payload, digest_size=16).digest()


def _detail(arrival: Arrival, refusal: Rejected) -> str:
    detail = refusal.detail[:200]
    if len(arrival.payload) > _MAX_RAW:
        detail = f"{detail} [{len(arrival.payload)} {_CUT} {_HEAD} kept]".strip()
    return detail


def _insert(connection: sqlite3.Connection, arrival: Arrival, refusal: Rejected) -> bool:
    """Return whether a new row was made; otherwise an old one counts up."""
    row = connection.execute(
        "INSERT INTO quarantine (first_ms, last_ms, topic, device, driver, payload, digest,"
        " reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (digest, reason, detail) DO UPDATE SET"
        " count = count + 1, last_ms = max(last_ms, excluded.last_ms), state = 'held'"
        " RETURNING count",
        (
            arrival.received_ms,
            arrival.received_ms,
            arrival.topic[:_TOPIC],
            arrival.device,
            arrival.driver,
            _raw(arrival),
            _digest(arrival),
            refusal.reason.value,
            _detail(arrival, refusal),
        ),
    ).fetchone()
    return int(row[0]) == 1


def listing(
    connection: sqlite3.Connection,
    *,
    reason: str = "",
    state: str = "held",
    device: str = "",
    before: int = 0,
    limit: int = 100,
    oldest: bool = False,
) -> list[Kept]:
    """Return kept messages, newest first or oldest; `before` is the id to continue below."""
    order = "ASC" if oldest else "DESC"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine"  # noqa: S608  (a constant column list)
        " WHERE (? = '' OR reason = ?) AND (? = '' OR state = ?) AND (? = '' OR device = ?)"
        f" AND (? = 0 OR id < ?) ORDER BY id {order} LIMIT ?",
        (reason, reason, state, state, device, device, before, before, limit),
    )
    return [Kept(*row) for row in rows]


def topics(
    connection: sqlite3.Connection, *, reasons: Sequence[str], before: int = 0, limit: int = 1_000
) -> list[tuple[int, str]]:
    """Return (id, topic) of messages held for some reasons, newest first; `before` as above."""
    return connection.execute(
        "SELECT id, topic FROM quarantine WHERE (? = 0 OR id < ?) AND state = 'held'"
        " AND reason IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?",
        (before, before, json.dumps(reasons), limit),
    ).fetchall()


def find(connection: sqlite3.Connection, number: int) -> Kept | None:
    """Return one kept message with its raw bytes."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine WHERE id = ?",  # noqa: S608  (a constant column list)
        (number,),
    ).fetchone()
    return Kept(*row) if row else None


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many messages each reason holds back."""
    return dict(
        connection.execute(
            "SELECT reason, sum(count) FROM quarantine WHERE state = 'held' GROUP BY reason"
        ).fetchall()
    )


def mark(connection: sqlite3.Connection, numbers: Iterable[int], *, state: str) -> None:
    """Set the state of kept messages: held, replayed or discarded."""
    connection.executemany(
        "UPDATE quarantine SET state = ? WHERE id = ?", [(state, number) for number in numbers]
    )
