"""Tries a mapping on the last messages of its topic, before anybody depends on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from caretaker.clock import Clock
from caretaker.config import MappingSettings
from caretaker.vocabulary import Arrival
from ingest.decoder import Decoder
from ingest.mapping import driver_from, leaves, listed
from ingest.strict_json import parse
from ingest.transport.port import Message
from storage import quarantine
from storage.journal import Journal

_LOOKED_AT = 5_000
_REASONS = ("no-driver", "unit-missing", "wrong-shape", "not-json")


@dataclass(frozen=True, slots=True)
class Tried:
    """One of the last messages, and what the mapping makes of it."""

    message: Message
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A topic whose messages nobody understands yet, with the newest and what stands in it."""

    topic: str
    count: int
    last_ms: int
    reason: str
    payload: bytes
    leaves: tuple[tuple[str, object], ...]


def last_messages(journal: Journal, *, limit: int = _LOOKED_AT) -> list[Message]:
    """Return the newest messages at hand: of each device the last, and what is held."""
    with journal.reader() as connection:
        rows = connection.execute(
            "SELECT last_topic, last_payload, last_heard_ms FROM device WHERE last_topic <> ''"
        ).fetchall()
        for reason in _REASONS:
            rows += [
                (kept.topic, kept.payload, kept.last_ms)
                for kept in quarantine.listing(connection, reason=reason, limit=limit)
            ]
    rows.sort(key=lambda row: -row[2])
    return [Message(topic, payload, at_ms) for topic, payload, at_ms in rows]


def attempt(
    journal: Journal, mapping: MappingSettings, *, clock: Clock, most: int = 10
) -> list[Tried]:
    """Return what a mapping makes of the newest messages of its topic; nothing is stored.

    Raises ConfigurationError when the mapping cannot be one.
    """
    driver = driver_from(mapping, file="page", key="mapping")
    decoder = Decoder((driver,), clock=clock)
    tried: list[Tried] = []
    for message in last_messages(journal):
        if decoder.routes(message.topic):
            tried.append(Tried(message, decoder.decode(message)))
            if len(tried) >= most:
                break
    return tried


def waiting(journal: Journal, *, most: int = 50) -> list[Waiting]:
    """Return the topics that wait for a person to say what they mean, the newest first."""
    found: dict[str, Waiting] = {}
    with journal.reader() as connection:
        for reason in _REASONS[:2]:
            for kept in quarantine.listing(connection, reason=reason, limit=_LOOKED_AT):
                before = found.get(kept.topic)
                if before is not None and before.last_ms >= kept.last_ms:
                    found[kept.topic] = _more(before, kept.count)
                    continue
                found[kept.topic] = Waiting(
                    topic=kept.topic,
                    count=kept.count + (before.count if before else 0),
                    last_ms=kept.last_ms,
                    reason=kept.reason,
                    payload=kept.payload,
                    leaves=tuple(leaves(_readable(kept.payload))),
                )
    return sorted(found.values(), key=lambda item: -item.last_ms)[:most]


def _more(item: Waiting, count: int) -> Waiting:
    return Waiting(
        item.topic, item.count + count, item.last_ms, item.reason, item.payload, item.leaves
    )


def _readable(payload: bytes) -> object:
    value = parse(payload)
    if isinstance(value, dict | list | int | float | str):
        return value
    text = payload.decode("utf-8", "replace").strip()
    return listed(text) or (text if len(text) <= 32 else None)


def usable(tried: Sequence[Tried]) -> bool:
    """Return whether at least one message gave a reading, so that the mapping may be kept."""
    return any(arrival.measured for item in tried for arrival in item.arrivals)
