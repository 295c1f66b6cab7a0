"""What could not be used: kept raw with its reason, counted, never dropped in silence."""

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from caretaker.vocabulary import Arrival, Rejected

_MAX_RAW = 64 * 1024


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


_COLUMNS = "id, first_ms, last_ms, topic, device, driver, payload, reason, detail, count, state"


def keep(connection: sqlite3.Connection, arrival: Arrival, refusal: Rejected) -> None:
    """Keep a refused message in the caller's transaction; the same one again counts up."""
    payload = arrival.payload
    detail = refusal.detail[:200]
    if len(payload) > _MAX_RAW:
        detail = f"{detail} [{len(payload)} bytes, first {_MAX_RAW} kept]".strip()
    digest = hashlib.blake2b(
        arrival.topic.encode("utf-8", "surrogatepass") + b"\0" + payload, digest_size=16
    ).digest()
    connection.execute(
        "INSERT INTO quarantine (first_ms, last_ms, topic, device, driver, payload, digest,"
        " reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (digest, reason, detail) DO UPDATE SET"
        " count = count + 1, last_ms = max(last_ms, excluded.last_ms), state = 'held'",
        (
            arrival.received_ms,
            arrival.received_ms,
            arrival.topic,
            arrival.device,
            arrival.driver,
            payload[:_MAX_RAW],
            digest,
            refusal.reason.value,
            detail,
        ),
    )


def listing(
    connection: sqlite3.Connection,
    *,
    reason: str = "",
    state: str = "held",
    before: int = 0,
    limit: int = 100,
) -> list[Kept]:
    """Return kept messages, newest first; `before` is the id to continue below."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM quarantine"  # noqa: S608  (a constant column list)
        " WHERE (? = '' OR reason = ?) AND (? = '' OR state = ?) AND (? = 0 OR id < ?)"
        " ORDER BY id DESC LIMIT ?",
        (reason, reason, state, state, before, before, limit),
    )
    return [Kept(*row) for row in rows]


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
